import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, it } from 'vitest';
import { expectAgreement, randomTensor, startBackends } from './two-backends.ts';

beforeAll(startBackends);

const side = fc.integer({ min: 1, max: 4 });
const anyCase = fc.record({
  image: fc.tuple(
    fc.integer({ min: 1, max: 3 }),
    fc.integer({ min: 4, max: 9 }),
    fc.integer({ min: 4, max: 9 }),
    fc.integer({ min: 1, max: 11 }),
  ),
  filter: fc.tuple(side, side),
  strides: fc.tuple(side, side),
  pad: fc.constantFrom<'same' | 'valid' | number>('same', 'valid', 1),
});

describe('MaxPoolGrad', () => {
  it('agrees for any geometry', async () => {
    await fc.assert(
      fc.asyncProperty(anyCase, async ({ image, filter, strides, pad }) => {
        // Without the forward pass: the stock MaxPool breaks the heap where a window holds nothing but padding.
        await expectAgreement(() => {
          const input = randomTensor<tf.Rank.R4>(image, 1);
          const { outShape } = tf.backend_util.computePool2DInfo(image, filter, strides, 1, pad);
          const dy = randomTensor(outShape, 2);
          const attributes = { filterSize: filter, strides, pad };
          return tf.engine().runKernel('MaxPoolGrad', { dy, input, output: dy }, attributes) as tf.Tensor;
        });
      }),
      { seed: 41, numRuns: 60 },
    );
  });

  it('gives the gradient of a tie to the first maximum, and none to NaN', async () => {
    const window = [1, 1, Number.NaN, 0, 2, 2, 2, 2, Number.NaN, Number.NaN, Number.NaN, Number.NaN];
    for (const channels of [1, 4]) {
      const image = window.flatMap((value) => new Array<number>(channels).fill(value));
      await expectAgreement(() => {
        const x = tf.tensor4d(image, [3, 2, 2, channels]);
        const dy = randomTensor([3, 1, 1, channels], 1);
        const attributes = { filterSize: 2, strides: 2, pad: 'valid' };
        const inputs = { dy, input: x, output: tf.zerosLike(dy) };
        return tf.engine().runKernel('MaxPoolGrad', inputs, attributes) as tf.Tensor;
      });
    }
  });
});
