import fc from 'fast-check';
import { expect, it } from 'vitest';
import { gradientWorth } from '../../../../shared/sync/gradient-worth.ts';

const plain = { localSteps: 1, compression: 1, staleness: 0 };

it.each([
  [plain, 1],
  [{ ...plain, compression: 3.9 }, 1],
  [{ ...plain, compression: 64 }, 1 / 2],
  [{ ...plain, localSteps: 30 }, 0.765],
  [{ ...plain, staleness: 1 }, 1 / 2],
])('is for %o about %d', (use, worth) => {
  expect(gradientWorth(use)).toBeCloseTo(worth, 3);
});

it('is at most 1, and less the more is left out, delayed or stale', () => {
  const use = fc.record({
    localSteps: fc.integer({ min: 1, max: 1_000 }),
    compression: fc.double({ min: 0.5, max: 10_000, noNaN: true }),
    staleness: fc.integer({ min: 0, max: 64 }),
  });
  fc.assert(
    fc.property(use, use, (one, more) => {
      const worst = {
        localSteps: Math.max(one.localSteps, more.localSteps),
        compression: Math.max(one.compression, more.compression),
        staleness: Math.max(one.staleness, more.staleness),
      };
      expect(gradientWorth(one)).toBeLessThanOrEqual(1);
      expect(gradientWorth(worst)).toBeGreaterThan(0);
      expect(gradientWorth(worst)).toBeLessThanOrEqual(gradientWorth(one));
    }),
  );
});
