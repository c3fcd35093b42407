import { weighContribution } from './contribution-weight.ts';
import type { HedgeView, RoundView, Strategy } from './strategy.ts';
import type { SynchronousSpec } from './strategy-spec.ts';

/**
 * Every unit of a round is computed from the same version and counted once; with equal weights the result is that of
 * one machine with a batch of all the round's samples, whoever computed what. A quorum gives that up for speed.
 */
export function parameterServerSynchronous({
  quorum = 1,
  weighting,
}: SynchronousSpec): Strategy & { kind: 'parameterServerSynchronous' } {
  return {
    kind: 'parameterServerSynchronous',
    isEndless: false,
    stalenessMax: 0,
    contributionsMax: (units) => units,
    mayClose: (round) => round.unitsReducing === 0 && hasEnough(round, quorum),
    contributionWeight: (view) => (weighting === 'measured' ? weighContribution(weighting, view) : 1),
    mayHedge: hedgeLateOrFarFromStarting,
  };
}

function hasEnough(round: RoundView, quorum: number): boolean {
  const { units, unitsAccepted, openMs } = round;
  if (unitsAccepted === units) return true;
  if (unitsAccepted < Math.max(1, Math.ceil(quorum * units))) return false;
  const deadlineMs = round.deadlineMs();
  return deadlineMs !== undefined && openMs >= deadlineMs;
}

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
