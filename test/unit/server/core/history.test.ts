import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { extendHistory, type HistoryPoint } from '../../../../server/core/history.ts';

describe('a history', () => {
  it('is bounded, in order, and keeps its newest point and the newest evaluation', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 16 }),
        fc.array(fc.boolean(), { maxLength: 200 }),
        (pointsMax, tested) => {
          let history: HistoryPoint[] = [];
          tested.forEach((isTested, at) => {
            history = extendHistory(history, { round: at + 1, trainingLoss: 3 }, pointsMax);
            if (isTested) history = extendHistory(history, { round: at + 1, testLoss: at }, pointsMax);
            expect(history.length).toBeLessThanOrEqual(pointsMax);
            expect(history.at(-1)).toMatchObject({ round: at + 1, trainingLoss: 3 });
          });
          const rounds = history.map(({ round }) => round);
          expect(rounds).toEqual([...new Set(rounds)].sort((a, b) => a - b));
          const newest = tested.lastIndexOf(true);
          if (newest >= 0)
            expect(history.findLast(({ testLoss }) => testLoss !== undefined)?.testLoss).toBe(newest);
        },
      ),
    );
  });

  it('merges neighbours: the mean of the training losses, the later evaluation', () => {
    const history = [
      { round: 1, trainingLoss: 4 },
      { round: 2, trainingLoss: 2, testLoss: 5 },
    ];
    expect(extendHistory(history, { round: 3, trainingLoss: 1 }, 3)).toEqual([
      { round: 2, trainingLoss: 3, testLoss: 5 },
      { round: 3, trainingLoss: 1 },
    ]);
  });

  it('shows the whole run at one resolution, however long it was', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 4, max: 16 }),
        fc.integer({ min: 1, max: 3_000 }),
        (pointsMax, rounds) => {
          let history: HistoryPoint[] = extendHistory([], { round: 0, testLoss: 9 }, pointsMax);
          for (let round = 1; round <= rounds; round++) {
            history = extendHistory(history, { round, trainingLoss: round }, pointsMax);
          }
          const [initial, ...points] = history;
          expect(initial).toEqual({ round: 0, testLoss: 9 });
          const steps = points.map(({ round }, at) => round - (points[at - 1]?.round ?? 0));
          const [width = 0] = steps;
          expect(steps.slice(0, -1).every((step) => step === width)).toBe(true);
          expect(points.length).toBeGreaterThanOrEqual(Math.min(rounds, Math.floor((pointsMax - 1) / 2)));
          points.forEach(({ round, trainingLoss }, at) => {
            expect(trainingLoss).toBeCloseTo((round + (points[at - 1]?.round ?? 0) + 1) / 2, 6);
          });
        },
      ),
      { numRuns: 40 },
    );
  });
});
