import { assert } from '../base/assert.ts';
import type { Optimizer } from './optimizer.ts';
import type { NesterovSpec } from './optimizer-spec.ts';
import { trainableTensors } from './trainable-tensors.ts';

export const nesterovDefaults = { momentum: 0.9 } as const;

/**
 * Nesterov's momentum in the form of Sutskever et al. 2013 that steps at the look-ahead point, as PyTorch has it:
 * v <- momentum * v + g, p <- p - rate * (g + momentum * v).
 */
export function createNesterov(spec: NesterovSpec): Optimizer {
  const momentum = spec.momentum ?? nesterovDefaults.momentum;
  return {
    kind: 'nesterov',
    slotNames: ['velocity'],
    createState: (length) => ({ slots: [new Float32Array(length)], scalars: new Float64Array(0) }),
    step(manifest, parameters, gradient, state, learningRate) {
      const velocity = state.slots[0];
      assert(velocity?.length === parameters.length, 'the velocity is as long as the parameters');
      for (const { offset, length } of trainableTensors(manifest)) {
        for (let index = offset; index < offset + length; index++) {
          const slope = gradient[index]!;
          const next = Math.fround(momentum * velocity[index]! + slope);
          velocity[index] = next;
          parameters[index] = parameters[index]! - learningRate * (slope + momentum * next);
        }
      }
    },
  };
}
