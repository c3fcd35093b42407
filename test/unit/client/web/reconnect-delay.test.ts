import fc from 'fast-check';
import { expect, it } from 'vitest';
import { reconnectDelayMs } from '../../../../client/web/reconnect-delay.ts';
import { limits } from '../../../../shared/base/limits.ts';

it('stays between the limits, for any number of attempts', () => {
  fc.assert(
    fc.property(fc.nat(5_000), fc.double({ min: 0, max: 0.999, noNaN: true }), (attempt, chance) => {
      const delayMs = reconnectDelayMs(attempt, chance);
      expect(delayMs).toBeGreaterThanOrEqual(limits.reconnectDelayMsMin);
      expect(delayMs).toBeLessThanOrEqual(limits.reconnectDelayMsMax);
    }),
  );
});

it('grows with the attempts', () => {
  const delays = [0, 2, 4, 20].map((attempt) => reconnectDelayMs(attempt, 0.5));
  expect(delays).toEqual([...delays].sort((left, right) => left - right));
  expect(new Set(delays).size).toBe(4);
});
