import type { HedgeView, Strategy } from './strategy.ts';

/**
 * Every unit of a round is computed from the same version and counted once with equal weight, so the result is that
 * of one machine with a batch of `units * batchSize` samples.
 */
export const parameterServerSynchronous: Strategy = {
  kind: 'parameterServerSynchronous',
  mayClose: ({ units, unitsAccepted }) => unitsAccepted === units,
  contributionWeight: () => 1,
  isVersionAdmissible: (version, currentVersion) => version === currentVersion,
  mayHedge: hedgeLateOrFarFromStarting,
};

/**
 * A second copy is wasted when the first is about to arrive, and the loser comes late to the next round. So a unit is
 * copied once it is late, or nobody hears of its holder; a queued one also while its holder has most of another unit before it, or is late with that.
 */
function hedgeLateOrFarFromStarting(view: HedgeView): boolean {
  const { isQueued, isHolderSilent, elapsedMs, holderElapsedMs, typicalMs, expectedMs } = view;
  if (isHolderSilent) return true;
  if (typicalMs === undefined || expectedMs === undefined) return isQueued;
  if (elapsedMs > expectedMs) return true;
  return isQueued && (holderElapsedMs < typicalMs / 2 || holderElapsedMs > expectedMs);
}
