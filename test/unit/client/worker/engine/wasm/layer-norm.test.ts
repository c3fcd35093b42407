import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { layerNorm } from '../../../../../../client/worker/engine/wasm/layer-norm.ts';
import {
  randomTensor,
  relativeDifference,
  startBackends,
  tolerance,
  valuesOn,
  weightedSum,
} from './two-backends.ts';

beforeAll(startBackends);

type Norm = (x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor) => tf.Tensor;
const epsilon = 1e-5;

const composite: Norm = (x, scale, offset) => {
  const { mean, variance } = tf.moments(x, -1, true);
  const normal = tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, epsilon)));
  return tf.add(tf.mul(normal, scale), offset);
};

function withGradients(norm: Norm, shape: number[]): tf.NamedTensorMap {
  const columns = shape.at(-1) ?? 0;
  const inputs: [tf.Tensor, tf.Tensor, tf.Tensor] = [
    tf.add(tf.mul(randomTensor(shape as never, 1), 3), 2),
    randomTensor([columns], 2),
    randomTensor([columns], 3),
  ];
  const gradients = tf.grads((x, scale, offset) =>
    weightedSum(norm(x as tf.Tensor, scale as tf.Tensor, offset as tf.Tensor)),
  );
  const [x, scale, offset] = gradients(inputs) as [tf.Tensor, tf.Tensor, tf.Tensor];
  return { value: norm(...inputs), x, scale, offset };
}

describe('layerNorm', () => {
  it.each([[[1, 4]], [[7, 8]], [[3, 5, 12]], [[2, 3, 4, 128]], [[64]]])(
    'agrees for shape %s',
    async (shape) => {
      const expected = await valuesOn('cpu', () => withGradients(composite, shape));
      const compute = () => withGradients((x, scale, offset) => layerNorm(x, scale, offset, epsilon), shape);
      const actual = await valuesOn('wasm', compute);
      expect(await valuesOn('wasm', compute)).toEqual(actual);
      for (const [name, { shape: size, values }] of Object.entries(expected)) {
        expect(actual[name]?.shape, name).toEqual(size);
        expect(relativeDifference(values, actual[name]?.values ?? new Float32Array()), name).toBeLessThan(
          tolerance,
        );
      }
    },
  );

  it('accepts an empty batch', async () => {
    const { scale } = await valuesOn('wasm', () =>
      withGradients((x, weight, offset) => layerNorm(x, weight, offset, epsilon), [0, 8]),
    );
    expect(scale?.values).toEqual(new Float32Array(8));
  });

  it('refuses a width that is not a multiple of four', async () => {
    await tf.setBackend('wasm');
    expect(() => tf.tidy(() => layerNorm(tf.zeros([2, 6]), tf.zeros([6]), tf.zeros([6]), epsilon))).toThrow(
      'four',
    );
  });
});
