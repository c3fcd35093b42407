import { assert } from '../base/assert.ts';
import type { Optimizer, OptimizerState } from './optimizer.ts';
import type { AdamWSpec } from './optimizer-spec.ts';
import { trainableTensors } from './trainable-tensors.ts';

export const adamWDefaults = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 } as const;

interface Coefficients {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly learningRate: number;
  /** 1 - beta1^t and 1 - beta2^t. */
  readonly correction1: number;
  readonly correction2: number;
}

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter 2019). The powers beta^t are running products, because pow is
 * not the same on every engine. Biases, gains and other vectors of rank under 2 do not decay.
 */
export function createAdamW(spec: AdamWSpec): Optimizer {
  const beta1 = spec.beta1 ?? adamWDefaults.beta1;
  const beta2 = spec.beta2 ?? adamWDefaults.beta2;
  const epsilon = spec.epsilon ?? adamWDefaults.epsilon;
  const weightDecay = spec.weightDecay ?? adamWDefaults.weightDecay;
  return {
    kind: 'adamw',
    slotNames: ['firstMoment', 'secondMoment'],
    createState: (length) => ({
      slots: [new Float32Array(length), new Float32Array(length)],
      scalars: Float64Array.of(1, 1),
    }),
    step(manifest, parameters, gradient, state, learningRate) {
      const { scalars } = state;
      assert(scalars.length === 2, 'the products of both betas are carried');
      scalars[0]! *= beta1;
      scalars[1]! *= beta2;
      const correction1 = 1 - scalars[0]!;
      const correction2 = 1 - scalars[1]!;
      const coefficients = { beta1, beta2, epsilon, learningRate, correction1, correction2 };
      for (const { offset, length, shape } of trainableTensors(manifest)) {
        const keep = shape.length >= 2 ? 1 - learningRate * weightDecay : 1;
        stepRange(parameters, gradient, state, offset, offset + length, keep, coefficients);
      }
    },
  };
}

function stepRange(
  parameters: Float32Array,
  gradient: Float32Array,
  state: OptimizerState,
  start: number,
  end: number,
  keep: number,
  { beta1, beta2, epsilon, learningRate, correction1, correction2 }: Coefficients,
): void {
  const [first, second] = state.slots;
  assert(
    first?.length === parameters.length && second?.length === first.length,
    'moments match the parameters',
  );
  for (let index = start; index < end; index++) {
    const slope = gradient[index]!;
    const mean = Math.fround(beta1 * first[index]! + (1 - beta1) * slope);
    const variance = Math.fround(beta2 * second[index]! + (1 - beta2) * (slope * slope));
    first[index] = mean;
    second[index] = variance;
    const direction = mean / correction1 / (Math.sqrt(variance / correction2) + epsilon);
    parameters[index] = keep * parameters[index]! - learningRate * direction;
  }
}
