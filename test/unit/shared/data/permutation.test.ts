import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createPermutation } from '../../../../shared/data/permutation.ts';

const sizes = fc.integer({ min: 1, max: 3_000 });
const seeds = fc.integer({ min: 0, max: 0xffffffff });

describe('createPermutation', () => {
  it('is a bijection on [0, size)', () => {
    fc.assert(
      fc.property(sizes, seeds, (size, seed) => {
        const { map } = createPermutation(size, seed);
        const seen = new Set<number>();
        for (let value = 0; value < size; value++) {
          const mapped = map(value);
          expect(Number.isInteger(mapped) && mapped >= 0 && mapped < size).toBe(true);
          seen.add(mapped);
        }
        expect(seen.size).toBe(size);
      }),
    );
  });

  it('stays inside very large domains without storing them', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2 ** 31, max: 2 ** 32 }),
        seeds,
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (size, seed, place) => {
          const mapped = createPermutation(size, seed).map(Math.floor(place * size));
          expect(mapped >= 0 && mapped < size).toBe(true);
        },
      ),
    );
  });

  it('gives the same order for the same seed and another for another', () => {
    const order = (seed: number): number[] => {
      const { map } = createPermutation(200, seed);
      return Array.from({ length: 200 }, (_, value) => map(value));
    };
    expect(order(7)).toEqual(order(7));
    expect(order(7)).not.toEqual(order(8));
  });

  it('mixes: neighbours end far apart, and few values stay', () => {
    const size = 10_000;
    const { map } = createPermutation(size, 1);
    const order = Array.from({ length: size }, (_, value) => map(value));
    const fixed = order.filter((mapped, value) => mapped === value).length;
    const meanGap =
      order.slice(1).reduce((sum, mapped, at) => sum + Math.abs(mapped - (order[at] ?? 0)), 0) / (size - 1);
    expect(fixed).toBeLessThan(15);
    expect(meanGap / size).toBeGreaterThan(0.3);
    expect(meanGap / size).toBeLessThan(0.36);
  });
});
