import type { StrategyName } from './strategy-name.ts';

/** What a strategy sees of an open round. */
export interface RoundView {
  readonly units: number;
  readonly unitsAccepted: number;
}

/** A unit that another worker computes, or has queued, while somebody idles. */
export interface HedgeView {
  /** It waits behind another lease of the same worker. */
  readonly isQueued: boolean;
  /** Its holder misses heartbeats: it computes without a pause, sleeps, or is gone. */
  readonly isHolderSilent: boolean;
  /** Since the holder should have begun it; negative before. */
  readonly elapsedMs: number;
  /** Since the holder began what it computes now. */
  readonly holderElapsedMs: number;
  /** Median time of a unit; absent before the first one was seen. */
  readonly typicalMs?: number;
  /** Time that few units exceed; absent before the first one was seen. */
  readonly expectedMs?: number;
}

/** The policy of the round machine: pure verdicts, no state. */
export interface Strategy {
  readonly kind: StrategyName;
  /** Whether the aggregate of a round may be taken now. */
  mayClose(round: RoundView): boolean;
  /** Weight of one contribution in the mean: a multiple of a power of two, so that sums stay exact. */
  contributionWeight(samples: number): number;
  /** Whether an update from `version` may be counted in a round that makes a successor of `currentVersion`. */
  isVersionAdmissible(version: number, currentVersion: number): boolean;
  /** Asked only when no unit is left without a lease. */
  mayHedge(view: HedgeView): boolean;
}
