import type { CodecSpec } from '../codec/codec-spec.ts';
import type { LossName, ModelSpec } from '../model/model-spec.ts';
import type { LocalSteps } from '../optim/local-steps.ts';
import type { OptimizerSpec } from '../optim/optimizer-spec.ts';
import type { AggregatorSpec } from '../sync/aggregators/aggregator-spec.ts';
import type { StrategySpec } from '../sync/strategy-spec.ts';

/**
 * A job as its author writes it, validated against the JSON Schema in `docs/job.schema.json`. Defaults are filled in
 * by `completeJobDocument`, so that everywhere else every field is present.
 */
export interface JobDocument {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** Who asks for the work; shown to contributors. */
  readonly owner: string;
  readonly model: ModelSpec;
  /** Name of an imported data set. */
  readonly dataset: string;
  readonly loss: LossName;
  readonly optimizer: OptimizerSpec;
  readonly unitsPerRound: number;
  /** Samples of one gradient: of a whole unit, or of one local step. */
  readonly batchSize: number;
  /** Units are gradients when absent. */
  readonly localSteps?: LocalSteps;
  readonly strategy: StrategySpec;
  /** The weighted mean when absent: see `aggregatorOf`. */
  readonly aggregator?: AggregatorSpec;
  /** How updates travel up, the first unless a worker has a reason for another, and parameters down. */
  readonly codec: { readonly up: readonly CodecSpec[]; readonly down: CodecSpec };
  readonly stop: StopRule;
  readonly evaluation: EvaluationRule;
  readonly checkpoint: { readonly everyRounds: number };
  readonly seed: number;
  /** Whether contributors without a token may compute for this job. */
  readonly allowAnonymous: boolean;
  /** Updates with a larger L2 norm are refused. */
  readonly updateNormMax: number;
}

/** The job ends when any given bound is reached. */
export interface StopRule {
  readonly rounds?: number;
  /** Fraction of test records classified right, in [0, 1]. */
  readonly accuracy?: number;
  readonly loss?: number;
  readonly durationMs?: number;
}

export interface EvaluationRule {
  /** Parameters are evaluated before round 0 and after every so many rounds, and at the end. */
  readonly everyRounds: number;
  /** Test samples used each time, from the start of the test split. */
  readonly samplesMax: number;
  /** Samples of one evaluation unit. */
  readonly batchSize: number;
}
