import { assert } from '../base/assert.ts';
import { mixSeed } from '../base/random.ts';
import type { Codec } from '../codec/codec.ts';
import { applyUpdate, encodeUpdate } from '../codec/published-update.ts';
import { isBounded } from '../tensor/kernels.ts';
import type { ParameterManifest } from '../tensor/manifest.ts';
import { applyGradient } from './apply-gradient.ts';
import type { Optimizer } from './optimizer.ts';
import type { OptimizerSpec } from './optimizer-spec.ts';
import { copyState, type TrainingState } from './training-state.ts';

/** Parameters that reach this size are beyond saving; below it, differences of two can be encoded. */
export const parameterMagnitudeMax = 0x40000000 * 0x40000000 * 0x40000000;

/** What a job fixes about its outer step. */
export interface OuterStepRules {
  readonly manifest: ParameterManifest;
  readonly optimizer: Optimizer;
  readonly spec: OptimizerSpec;
  /** Made for `manifest`. */
  readonly downCodec: Codec;
  /** The job's seed. */
  readonly seed: number;
}

export interface OuterStepResult {
  readonly state: TrainingState;
  /** For `applyUpdate`: leads from the old published vector to the new one. Empty when the step is not finite. */
  readonly update: Uint8Array;
  /** False when a parameter is NaN, infinite or above `parameterMagnitudeMax`: the training has diverged. */
  readonly finite: boolean;
}

/**
 * Version v and the mean of round v's contributions give version v + 1, with the same bits on every engine: only
 * + - * / and sqrt, stores as float32, and sums in a fixed order. Neither argument changes; `spare` is written over.
 */
export function outerStep(
  rules: OuterStepRules,
  state: TrainingState,
  aggregate: Float32Array,
  spare?: TrainingState,
): OuterStepResult {
  const { manifest, optimizer, spec, downCodec } = rules;
  assert(aggregate.length === manifest.length, 'the aggregate has the shapes of the job');
  assert(state.parameters.length === manifest.length, 'the state has the shapes of the job');
  const next = copyState(state, spare);
  const vectors = { manifest, parameters: next.parameters, state: next.optimizer };
  applyGradient(optimizer, spec, vectors, aggregate, state.version);

  const advanced = { ...next, version: state.version + 1 };
  const finite = isBounded(next.parameters, parameterMagnitudeMax);
  if (!finite) return { state: advanced, update: new Uint8Array(0), finite };
  const seed = mixSeed(rules.seed, advanced.version);
  const update = encodeUpdate(downCodec, next.parameters, next.published, seed);
  applyUpdate(downCodec, next.published, update);
  return { state: advanced, update, finite };
}
