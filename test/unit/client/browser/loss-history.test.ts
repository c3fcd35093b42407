import fc from 'fast-check';
import { expect, it } from 'vitest';
import { addLoss, emptyLossHistory, type LossHistory } from '../../../../client/browser/loss-history.ts';

function addRounds(rounds: readonly number[], jobId = 'job'): LossHistory {
  return rounds.reduce((history, round) => addLoss(history, jobId, round, 1 / (1 + round)), emptyLossHistory);
}

it('keeps rounds in order, the first among them, and stays small', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 1_500 }), (steps) => {
      let round = 0;
      const rounds = steps.map((step) => {
        round += step;
        return round;
      });
      const { points, stride } = addRounds(rounds);
      expect(points.length).toBeLessThanOrEqual(200);
      for (const [index, point] of points.entries()) {
        expect(rounds).toContain(point.round);
        if (index > 0) expect(point.round - (points[index - 1]?.round ?? 0)).toBeGreaterThanOrEqual(1);
      }
      expect(round - (points.at(-1)?.round ?? 0)).toBeLessThan(stride);
    }),
  );
});

it('shows a status that comes twice once', () => {
  expect(addRounds([1, 1, 2, 2, 2]).points.map(({ round }) => round)).toEqual([1, 2]);
});

it('begins anew with another job and with an earlier round', () => {
  const history = addRounds([5, 6, 7]);
  expect(addLoss(history, 'other', 8, 1).points).toEqual([{ round: 8, loss: 1 }]);
  expect(addLoss(history, 'job', 2, 1).points).toEqual([{ round: 2, loss: 1 }]);
});

it('leaves out what is not a number, and losses before the first known round', () => {
  expect(addLoss(emptyLossHistory, 'job', 0, 2.3)).toBe(emptyLossHistory);
  const history = addRounds([1]);
  expect(addLoss(history, 'job', 2, Number.NaN)).toBe(history);
});
