import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  expectAgreement,
  randomTensor,
  randomValues,
  startBackends,
  valuesOn,
  weightedSum,
} from './two-backends.ts';

beforeAll(startBackends);

describe('UnsortedSegmentSum', () => {
  it.each([[[9]], [[9, 1]], [[9, 4]], [[9, 7]], [[9, 3, 5]], [[0, 3]]])(
    'sums rows of shape %s',
    async (shape) => {
      const ids = Array.from({ length: shape[0] ?? 0 }, (_, index) => (index * 5) % 4);
      await expectAgreement(() =>
        tf.unsortedSegmentSum(randomTensor(shape as never, 1), tf.tensor1d(ids, 'int32'), 6),
      );
    },
  );

  it('drops ids outside of the segments', async () => {
    await expectAgreement(() =>
      tf.unsortedSegmentSum(randomTensor([5, 6], 1), tf.tensor1d([-1, 0, 3, 2, -7], 'int32'), 3),
    );
  });

  it('adds integers', async () => {
    await expectAgreement(() =>
      tf.unsortedSegmentSum(
        tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2], 'int32'),
        tf.tensor1d([1, 0, 1], 'int32'),
        2,
      ),
    );
  });

  it('adds in the order of the rows', async () => {
    const values = randomValues(1000, 3);
    const { result } = await valuesOn('wasm', () =>
      tf.unsortedSegmentSum(tf.tensor1d(values), tf.zeros([1000], 'int32') as tf.Tensor1D, 1),
    );
    expect(result?.values[0]).toBe(values.reduce((sum, value) => Math.fround(sum + value), 0));
  });

  it('is the gradient of gather', async () => {
    await expectAgreement(() => {
      const ids = tf.tensor2d([3, 0, 3, 2, 2, 2], [2, 3], 'int32');
      return tf.grad((table) => weightedSum(tf.gather(table, ids)))(randomTensor([4, 5], 1));
    });
  });
});
