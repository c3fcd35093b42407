import type { HistoryPoint } from './history.ts';

/**
 * The evaluation at which `accuracy` may be reached, by the rule of thumb that a test error falls as a power of the
 * training done (Hestness et al. 2017): the line through the first and the newest evaluation in log-log space.
 * Undefined while there are fewer than two evaluations after training began, or the error does not fall.
 */
export function forecastRound(
  history: readonly HistoryPoint[],
  accuracy: number,
  evaluationEveryRounds: number,
): number | undefined {
  const evaluated = history.filter(({ round, testAccuracy }) => round > 0 && testAccuracy !== undefined);
  const [first, last] = [evaluated[0], evaluated.at(-1)];
  if (first?.testAccuracy === undefined || last?.testAccuracy === undefined) return undefined;
  if (last.testAccuracy >= accuracy) return last.round;
  const fall = Math.log((1 - first.testAccuracy) / (1 - last.testAccuracy));
  const growth = Math.log(last.round / first.round);
  if (!(fall > 0) || !(growth > 0) || accuracy >= 1) return undefined;
  const reached = last.round * ((1 - last.testAccuracy) / (1 - accuracy)) ** (growth / fall);
  return Math.ceil(reached / evaluationEveryRounds) * evaluationEveryRounds;
}
