import {
  type AdaptiveSpec,
  type RoundStrategySpec,
  type StrategySpec,
  strategyText,
} from './strategy-spec.ts';

/** What a job's rounds are run by, from a round boundary to the next change. */
export interface RoundPlan {
  readonly strategy: RoundStrategySpec;
  /** Local steps of a unit; absent for as many as the job document says. */
  readonly localSteps?: number;
  /**
   * The finest codec that workers may use, one of the job's: each chooses it or a later one of the list, by its own uplink.
   * Absent where all may be used.
   */
  readonly codec?: string;
  /** Who may change this plan without being asked; absent where only an admin may. */
  readonly adaptive?: AdaptiveSpec;
}

/** A plan that took the place of another. */
export interface PlanChange {
  /** The first round that it may run. */
  readonly round: number;
  readonly plan: RoundPlan;
  readonly by: 'admin' | 'adaptive';
  readonly reason: string;
  readonly atMs: number;
}

/** What the job's first round is run by. */
export function firstPlan(spec: StrategySpec): RoundPlan {
  if (spec.kind !== 'adaptive') return { strategy: spec };
  const strategy = spec.strategies[0] ?? { kind: 'parameterServerSynchronous' };
  return { strategy, adaptive: spec };
}

/** One line for people. */
export function planText({ strategy, localSteps, codec, adaptive }: RoundPlan): string {
  const parts = [strategyText(strategy)];
  if (localSteps !== undefined) parts.push(`${localSteps} local steps`);
  if (codec !== undefined) parts.push(`codec ${codec} or a later one of the job`);
  if (adaptive !== undefined) parts.push('chosen by the adaptive policy');
  return parts.join('; ');
}
