import type { RoundStrategySpec } from './strategy-spec.ts';

/** What a job's rounds are run by, from a round boundary to the next change. */
export interface RoundPlan {
  readonly strategy: RoundStrategySpec;
  /** Local steps of a unit; absent for as many as the job document says. */
  readonly localSteps?: number;
  /** The codec that workers are asked to use, one of the job's; absent where the worker chooses. */
  readonly codec?: string;
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
