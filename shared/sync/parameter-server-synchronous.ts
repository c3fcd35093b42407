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
 * A second copy is wasted when the first is about to arrive, and the loser comes late to the next round. So a started
 * unit is copied once it is late; a queued one also while its holder has most of another unit before it.
 */
function hedgeLateOrFarFromStarting({ queued, elapsedMs, typicalMs, expectedMs }: HedgeView): boolean {
  if (typicalMs === undefined || expectedMs === undefined) return queued;
  return elapsedMs > expectedMs || (queued && elapsedMs < typicalMs / 2);
}
