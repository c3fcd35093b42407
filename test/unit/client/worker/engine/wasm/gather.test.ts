import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectAgreement, randomTensor, startBackends } from './two-backends.ts';

beforeAll(startBackends);

describe('GatherV2', () => {
  it.each([
    [[5], [4, 0, 4]],
    [
      [5, 3],
      [0, 0, 2],
    ],
    [[5, 3, 2], []],
    [[1, 7], [0]],
  ])('takes rows of shape %s', async (shape, ids) => {
    await expectAgreement(() => tf.gather(randomTensor(shape as never, 1), tf.tensor1d(ids, 'int32')));
  });

  it('takes a table of indices', async () => {
    const ids = [3, 1, 0, 2, 2, 3];
    await expectAgreement(() => tf.gather(randomTensor([4, 5], 1), tf.tensor2d(ids, [2, 3], 'int32')));
    await expectAgreement(() => tf.gather(randomTensor([4, 5], 1), tf.scalar(2, 'int32')));
  });

  it('leaves other axes, batches and types to the stock kernel', async () => {
    const ids = () => tf.tensor1d([2, 0], 'int32');
    await expectAgreement(() => tf.gather(randomTensor([4, 5, 3], 1), ids(), 1));
    await expectAgreement(() =>
      tf.gather(randomTensor([2, 5], 1), tf.tensor2d([2, 0, 1, 1], [2, 2], 'int32'), 1, 1),
    );
    await expectAgreement(() => tf.gather(tf.tensor1d([7, 8, 9], 'int32'), ids()));
  });

  it.each([-1, 4])('refuses the index %s', async (index) => {
    await tf.setBackend('wasm');
    expect(() => tf.tidy(() => tf.gather(randomTensor([4, 2], 1), tf.tensor1d([1, index], 'int32')))).toThrow(
      `the index value ${index} is not in [0, 3]`,
    );
  });
});
