import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createUnitTimes, expectedUnitMs, leaseTimeoutMs } from '../../../../server/core/unit-times.ts';
import { limits } from '../../../../shared/base/limits.ts';

describe('unit times', () => {
  it('are told by the median and the median deviation of the newest', () => {
    const times = createUnitTimes(5);
    expect(times.estimate()).toBeUndefined();
    for (const time of [900, 800, 10, 20, 30, 40, 1_000]) times.add(time);
    expect(times.estimate()).toEqual({ medianMs: 30, deviationMs: 10 });
    times.add(20);
    expect(times.estimate()).toEqual({ medianMs: 30, deviationMs: 10 });
  });

  it('are not moved far by a minority of stragglers', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 1_000_000 }), { maxLength: 15 }), (stragglers) => {
        const times = createUnitTimes(64);
        for (let unit = 0; unit < 33; unit++) times.add(100 + unit);
        for (const straggler of stragglers) times.add(straggler);
        const { medianMs } = times.estimate() ?? { medianMs: 0 };
        expect(medianMs).toBeGreaterThanOrEqual(100);
        expect(medianMs).toBeLessThanOrEqual(132);
      }),
    );
  });

  it('give deadlines within the limits, later than what is expected, and later for slow workers', () => {
    expect(leaseTimeoutMs(undefined, 1)).toBe(limits.leaseTimeoutMsFirst);
    const estimates = fc.record({ medianMs: fc.nat(1_000_000), deviationMs: fc.nat(100_000) });
    fc.assert(
      fc.property(estimates, fc.integer({ min: 1, max: 100 }), (estimate, pace) => {
        const timeoutMs = leaseTimeoutMs(estimate, pace);
        expect(timeoutMs).toBeGreaterThanOrEqual(limits.leaseTimeoutMsMin);
        expect(timeoutMs).toBeLessThanOrEqual(limits.leaseTimeoutMsMax);
        if (timeoutMs < limits.leaseTimeoutMsMax)
          expect(timeoutMs).toBeGreaterThanOrEqual(expectedUnitMs(estimate));
        expect(leaseTimeoutMs(estimate, pace + 1)).toBeGreaterThanOrEqual(timeoutMs);
      }),
    );
  });
});
