import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import type { TensorRole } from '../../../shared/tensor/manifest.ts';

export interface NetworkTensor {
  readonly name: string;
  readonly role: TensorRole;
  readonly variable: Variable;
}

export interface ForwardMode {
  readonly training: boolean;
  /** Drives dropout. */
  readonly seed: number;
}

/** The differentiable part of a model: variables on the current back end, and the forward pass over them. */
export interface Network {
  /** In the order of the flat vector. */
  readonly tensors: readonly NetworkTensor[];
  readonly inputType: 'float32' | 'int32';
  /** Shape of one input, without the batch. */
  readonly inputShape: readonly number[];
  /** From `[count, ...inputShape]` to logits or predictions, `[count, ...]`; call inside `tidy`. */
  forward(x: Tensor, mode: ForwardMode): Tensor;
  /** Penalties that the model itself adds to the loss; call inside `tidy`. */
  penalties(): readonly Tensor[];
  dispose(): void;
}
