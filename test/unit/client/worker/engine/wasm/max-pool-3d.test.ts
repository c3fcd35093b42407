import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, it } from 'vitest';
import { expectAgreement, randomTensor, startBackends, weightedSum } from './two-backends.ts';

beforeAll(startBackends);

type Triple = [number, number, number];
// Height and width of the filter agree: the CPU backend mixes them up in its gradient.
const cases: [
  image: [number, ...Triple, number],
  filter: Triple,
  strides: Triple,
  pad: 'same' | 'valid' | number,
][] = [
  [[2, 5, 6, 7, 3], [2, 2, 2], [2, 2, 2], 'valid'],
  [[2, 5, 6, 7, 5], [2, 3, 3], [1, 2, 1], 'same'],
  [[1, 4, 4, 4, 1], [3, 2, 2], [2, 1, 2], 1],
  [[1, 5, 3, 4, 4], [1, 2, 2], [1, 2, 2], 'valid'],
];

describe('MaxPool3D', () => {
  it.each(cases)('image %s, filter %s, strides %s, pad %s', async (image, filter, strides, pad) => {
    // Negative values, which the stock kernel takes for smaller than nothing.
    await expectAgreement(() => {
      const x = tf.sub<tf.Tensor5D>(randomTensor<tf.Rank.R5>(image, 1), 2);
      const pool = (input: tf.Tensor) => tf.maxPool3d(input as tf.Tensor5D, filter, strides, pad);
      return { forward: pool(x), gradient: tf.grad((input) => weightedSum(pool(input)))(x) };
    });
  });
});
