import type { ParameterManifest } from '../tensor/manifest.ts';

/** Everything the outer step reads and writes, in flat vectors laid out by the manifest. */
export interface OptimizerState {
  /** One Float32Array per slot (momentum, first and second moments), each as long as the parameters. */
  readonly slots: readonly Float32Array[];
  /** Carried scalars as doubles, such as the running products beta1^t and beta2^t. */
  readonly scalars: Float64Array;
}

/**
 * A pure, in-place step. Only + - * / and sqrt, with float32 stores: every engine gives the same bits.
 * `statistic` tensors are left to the caller.
 */
export interface Optimizer {
  readonly kind: OptimizerKind;
  readonly slotNames: readonly string[];
  createState(length: number): OptimizerState;
  /** Updates `parameters` and `state` from the mean `gradient`; `learningRate` comes from the schedule. */
  step(
    manifest: ParameterManifest,
    parameters: Float32Array,
    gradient: Float32Array,
    state: OptimizerState,
    learningRate: number,
  ): void;
}

export type OptimizerKind = 'sgd' | 'nesterov' | 'adamw';
