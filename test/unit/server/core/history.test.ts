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
    expect(extendHistory(history, { round: 3, trainingLoss: 1 }, 2)).toEqual([
      { round: 2, trainingLoss: 3, testLoss: 5 },
      { round: 3, trainingLoss: 1 },
    ]);
  });
});
