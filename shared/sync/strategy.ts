import type { WeightView } from './contribution-weight.ts';
import type { StrategyName } from './strategy-name.ts';

/** What a strategy sees of an open round. */
export interface RoundView {
  readonly units: number;
  readonly unitsAccepted: number;
  /** Admitted, and not yet accepted or refused by the reducer. */
  readonly unitsReducing: number;
  /** Since the round opened. */
  readonly openMs: number;
  /** Time in which most workers finish their share of a round; undefined before the first unit was seen. Only a quorum asks. */
  deadlineMs(): number | undefined;
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
  /** Whether a worker is always given a unit: there is no barrier between rounds. */
  readonly isEndless: boolean;
  /** Rounds that may be committed between the version of a contribution and the round that counts it. */
  readonly stalenessMax: number;
  /** Contributions of one round at most; what comes beyond waits for the next. */
  contributionsMax(units: number): number;
  /** Whether the aggregate of a round may be taken now. */
  mayClose(round: RoundView): boolean;
  /** Weight of one contribution in the mean: a whole number, so that sums stay exact. */
  contributionWeight(view: WeightView): number;
  /** Asked only when no unit is left without a lease. */
  mayHedge(view: HedgeView): boolean;
}
