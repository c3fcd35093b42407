import { customGrad, type Tensor } from '@tensorflow/tfjs-core';

export interface Step {
  readonly value: Tensor;
  /** From the gradient of `value` to those of the inputs, in their order; `saved` is what was kept, in its order. */
  readonly gradient: (dy: Tensor, saved: readonly Tensor[]) => Tensor | Tensor[];
}

/**
 * An operation whose derivative is written out, so that the tape holds one step where it would hold a dozen.
 * Everything that `gradient` reads must go through `keep`: other tensors of the forward pass are gone by then.
 */
export function differentiable(
  inputs: readonly Tensor[],
  forward: (keep: (...tensors: Tensor[]) => void) => Step,
): Tensor {
  const compute = customGrad((...parameters) => {
    const save = parameters[inputs.length] as (tensors: Tensor[]) => void;
    const { value, gradient } = forward((...tensors) => save(tensors));
    return { value, gradFunc: (dy: Tensor, saved: Tensor[]) => gradient(dy, saved) };
  });
  return compute(...inputs);
}

/** A kept tensor by its place; absence is a programming error. */
export function kept(saved: readonly Tensor[], index: number): Tensor {
  const tensor = saved[index];
  if (tensor === undefined) throw new Error(`Invariant broken: tensor ${index} was kept`);
  return tensor;
}
