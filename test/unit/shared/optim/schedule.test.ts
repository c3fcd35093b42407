import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { halfCosine, learningRateAt } from '../../../../shared/optim/schedule.ts';

const rates = (schedule: Parameters<typeof learningRateAt>[0]['schedule'], rounds: readonly number[]) =>
  rounds.map((round) => learningRateAt({ learningRate: 2, ...(schedule && { schedule }) }, round));

describe('learningRateAt', () => {
  test('without a schedule is constant', () => {
    expect(rates(undefined, [0, 5, 1e8])).toEqual([2, 2, 2]);
    expect(rates({}, [0, 5, 1e8])).toEqual([2, 2, 2]);
  });

  test('warms up in equal steps', () => {
    expect(rates({ warmupRounds: 3 }, [0, 1, 2, 3, 4])).toEqual([0.5, 1, 1.5, 2, 2]);
  });

  test('decays linearly to the floor and stays there', () => {
    const schedule = { decay: 'linear', warmupRounds: 2, totalRounds: 6, minimumFraction: 0.5 } as const;
    expect(rates(schedule, [2, 3, 4, 5, 6, 7, 1e8])).toEqual([2, 1.75, 1.5, 1.25, 1, 1, 1]);
  });

  test('decays along a cosine to the floor', () => {
    const schedule = { decay: 'cosine', totalRounds: 4 } as const;
    const expected = [2, 1 + Math.SQRT1_2, 1, 1 - Math.SQRT1_2, 0, 0];
    rates(schedule, [0, 1, 2, 3, 4, 5]).forEach((rate, round) => {
      expect(rate).toBeCloseTo(expected[round]!, 14);
    });
  });

  test('survives a warm-up as long as the whole run', () => {
    expect(rates({ decay: 'cosine', warmupRounds: 4, totalRounds: 4 }, [3, 4, 5])).toEqual([1.6, 0, 0]);
  });
});

describe('halfCosine', () => {
  test('is within 1e-15 of the library', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (progress) => {
        const difference = halfCosine(progress) - (1 + Math.cos(Math.PI * progress)) / 2;
        expect(Math.abs(difference)).toBeLessThan(1e-15);
      }),
      { numRuns: 5_000 },
    );
  });

  test('stays within [0, 1] at the ends', () => {
    expect(halfCosine(0)).toBe(1);
    expect(halfCosine(0.5)).toBe(0.5);
    expect(halfCosine(1)).toBeGreaterThanOrEqual(0);
    expect(halfCosine(1 - 2 ** -53)).toBeGreaterThanOrEqual(0);
  });
});
