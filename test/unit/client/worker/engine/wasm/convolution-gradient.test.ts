import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, it } from 'vitest';
import { expectAgreement, randomTensor, startBackends, weightedSum } from './two-backends.ts';

beforeAll(startBackends);

type Pad = 'same' | 'valid' | number | [[0, 0], [number, number], [number, number], [0, 0]];
type Shape4D = [number, number, number, number];

interface Case {
  readonly image: Shape4D;
  readonly filter: Shape4D;
  readonly strides: [number, number];
  readonly pad: Pad;
}

const plain = { strides: [1, 1] } satisfies Partial<Case>;
const table: Case[] = [
  { ...plain, image: [2, 7, 6, 3], filter: [3, 3, 3, 5], pad: 'valid' },
  { ...plain, image: [2, 7, 6, 3], filter: [3, 3, 3, 5], pad: 'same' },
  { ...plain, image: [1, 5, 5, 8], filter: [1, 1, 8, 4], pad: 'valid' },
  { ...plain, image: [3, 9, 9, 1], filter: [5, 2, 1, 9], pad: 2 },
  {
    ...plain,
    image: [2, 6, 7, 4],
    filter: [3, 2, 4, 3],
    pad: [
      [0, 0],
      [2, 0],
      [1, 3],
      [0, 0],
    ],
  },
  { image: [2, 8, 9, 3], filter: [3, 3, 3, 4], strides: [2, 3], pad: 'same' },
  { image: [2, 8, 9, 5], filter: [1, 1, 5, 4], strides: [2, 2], pad: 'valid' },
  // More output pixels than one block of patches holds.
  { ...plain, image: [4, 40, 40, 4], filter: [3, 3, 4, 6], pad: 'same' },
  { ...plain, image: [0, 5, 5, 2], filter: [3, 3, 2, 4], pad: 'same' },
];

const anyCase: fc.Arbitrary<Case> = fc
  .record({
    batch: fc.integer({ min: 1, max: 3 }),
    height: fc.integer({ min: 5, max: 10 }),
    width: fc.integer({ min: 5, max: 10 }),
    channels: fc.integer({ min: 1, max: 9 }),
    outChannels: fc.integer({ min: 1, max: 9 }),
    filterHeight: fc.integer({ min: 1, max: 5 }),
    filterWidth: fc.integer({ min: 1, max: 5 }),
    strides: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
    pad: fc.constantFrom<Pad>('same', 'valid', 1, 2),
  })
  .map((shape) => ({
    image: [shape.batch, shape.height, shape.width, shape.channels],
    filter: [shape.filterHeight, shape.filterWidth, shape.channels, shape.outChannels],
    strides: shape.strides,
    pad: shape.pad,
  }));

function backward(instance: Case): tf.NamedTensorMap {
  const { image, filter, strides, pad } = instance;
  const { outShape } = tf.backend_util.computeConv2DInfo(image, filter, strides, 1, pad);
  const dy = randomTensor(outShape, 3);
  const attributes = { strides, pad, dataFormat: 'NHWC' };
  const run = (kernel: string, inputs: tf.NamedTensorMap, extra: Record<string, number[]>) =>
    tf.engine().runKernel(kernel, inputs, { ...attributes, ...extra }) as tf.Tensor;
  const x = randomTensor<tf.Rank.R4>(image, 1);
  const weights = randomTensor<tf.Rank.R4>(filter, 2);
  return {
    filter: run('Conv2DBackpropFilter', { x, dy }, { filterShape: filter }),
    input: run('Conv2DBackpropInput', { dy, filter: weights }, { inputShape: image }),
  };
}

describe('Conv2DBackpropFilter and Conv2DBackpropInput', () => {
  it.each(table)('image $image, filter $filter, strides $strides, pad $pad', async (instance) => {
    await expectAgreement(() => backward(instance));
  });

  it('agree for any geometry', async () => {
    await fc.assert(
      fc.asyncProperty(anyCase, async (instance) => {
        await expectAgreement(() => backward(instance));
      }),
      { seed: 22, numRuns: 40 },
    );
  });

  it('serve the transposed convolution and its gradient', async () => {
    await expectAgreement(() => {
      const [x, filter] = tf.grads((image, weights) =>
        weightedSum(
          tf.conv2dTranspose(image as tf.Tensor4D, weights as tf.Tensor4D, [2, 8, 8, 3], 2, 'same'),
        ),
      )([randomTensor([2, 4, 4, 5], 1), randomTensor([3, 3, 3, 5], 2)]);
      return { x: x as tf.Tensor, filter: filter as tf.Tensor };
    });
  });
});
