import { gridWeightMax } from '../tensor/grid.ts';
import type { Weighting } from './strategy-spec.ts';

/** What is known of a contribution when it is weighed. */
export interface WeightView {
  /** Rounds that were committed since the parameters that it was computed from. */
  readonly staleness: number;
  /** How much slower than the median unit its worker is, at least 1. */
  readonly pace: number;
  /** Fraction of the worker's leases that gave a result, in [0, 1]. */
  readonly reliability: number;
}

/** The whole weight of a fresh contribution where not all weigh the same. */
export const fullWeight = 8;

/** Contributions that a round of different weights may take, so that its sums stay exact. */
export const weighedContributionsMax = gridWeightMax / fullWeight;

/**
 * Weights are whole numbers, because sums stay exact only then (`shared/tensor/grid.ts`):
 * `max(1, round(8 * trust / sqrt(1 + staleness)))`, with 1 / sqrt(1 + staleness) as in FedBuff (Nguyen et al. 2022) and a
 * trust of 1 for all, or of `reliability / sqrt(pace)` where weighting is `measured`.
 *
 * | staleness | 0 | 1 | 2 | 3 | 4 | 5 | 8 | 12 | 28 and more |
 * |---|---|---|---|---|---|---|---|---|---|
 * | weight with trust 1 | 8 | 6 | 5 | 4 | 4 | 3 | 3 | 2 | 1 |
 */
export function weighContribution(
  weighting: Weighting | undefined,
  { staleness, pace, reliability }: WeightView,
): number {
  const trust = weighting === 'measured' ? reliability / Math.sqrt(Math.max(1, pace)) : 1;
  return Math.max(1, Math.round((fullWeight * trust) / Math.sqrt(1 + Math.max(0, staleness))));
}
