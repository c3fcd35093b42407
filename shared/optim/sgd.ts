import type { Optimizer } from './optimizer.ts';
import { trainableTensors } from './trainable-tensors.ts';

/** p <- p - rate * g. */
export function createSgd(): Optimizer {
  return {
    kind: 'sgd',
    slotNames: [],
    createState: () => ({ slots: [], scalars: new Float64Array(0) }),
    step(manifest, parameters, gradient, _state, learningRate) {
      for (const { offset, length } of trainableTensors(manifest)) {
        for (let index = offset; index < offset + length; index++) {
          parameters[index] = parameters[index]! - learningRate * gradient[index]!;
        }
      }
    },
  };
}
