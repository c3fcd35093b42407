import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectAgreement, randomTensor, startBackends } from './two-backends.ts';

beforeAll(startBackends);

const anyCase = fc.record({
  batch: fc.integer({ min: 1, max: 3 }),
  size: fc.tuple(fc.integer({ min: 5, max: 9 }), fc.integer({ min: 5, max: 9 })),
  channels: fc.integer({ min: 1, max: 9 }),
  multiplier: fc.integer({ min: 1, max: 3 }),
  filter: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
  strides: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
  // The CPU backend leaves the dilation out of its gradients.
  dilations: fc.constant<[number, number]>([1, 1]),
  pad: fc.constantFrom<'same' | 'valid' | number>('same', 'valid', 1),
});

type Case = typeof anyCase extends fc.Arbitrary<infer Value> ? Value : never;

function operands({ batch, size, channels, multiplier, filter }: Case): [tf.Tensor4D, tf.Tensor4D] {
  return [
    randomTensor<tf.Rank.R4>([batch, ...size, channels], 1),
    randomTensor<tf.Rank.R4>([...filter, channels, multiplier], 2),
  ];
}

function gradients(instance: Case): tf.NamedTensorMap {
  const { strides, dilations, pad } = instance;
  const [x, weights] = operands(instance);
  const info = tf.backend_util.computeConv2DInfo(
    x.shape,
    weights.shape,
    strides,
    dilations,
    pad,
    undefined,
    true,
  );
  const dy = randomTensor(info.outShape, 3);
  const attributes = { strides, dilations, pad };
  return {
    filter: tf
      .engine()
      .runKernel(
        'DepthwiseConv2dNativeBackpropFilter',
        { x, dy },
        { ...attributes, filterShape: weights.shape },
      ) as tf.Tensor,
    input: tf
      .engine()
      .runKernel(
        'DepthwiseConv2dNativeBackpropInput',
        { dy, filter: weights },
        { ...attributes, inputShape: x.shape },
      ) as tf.Tensor,
  };
}

describe('gradients of the depthwise convolution', () => {
  it('agree for any geometry', async () => {
    await fc.assert(
      fc.asyncProperty(anyCase, async (instance) => {
        await expectAgreement(() => gradients(instance));
      }),
      { seed: 31, numRuns: 60 },
    );
  });

  it('are the adjoints of the dilated convolution', async () => {
    await tf.setBackend('wasm');
    await fc.assert(
      fc.asyncProperty(anyCase, async (anyInstance) => {
        const instance: Case = {
          ...anyInstance,
          strides: [1, 1],
          dilations: [2, 2],
          size: [9, 8],
          pad: 'same',
        };
        const [x, weights] = operands(instance);
        tf.tidy(() => {
          // The convolution is linear in the image and in the filter: <dy, f(x)> is <gradient, x> for both.
          const forward = tf.depthwiseConv2d(x, weights, [1, 1], 'same', 'NHWC', [2, 2]);
          const expected = tf.sum(tf.mul(forward, randomTensor(forward.shape, 3))).dataSync()[0] ?? 0;
          const { filter, input } = gradients(instance);
          expect(tf.sum(tf.mul(filter as tf.Tensor, weights)).dataSync()[0]).toBeCloseTo(expected, 2);
          expect(tf.sum(tf.mul(input as tf.Tensor, x)).dataSync()[0]).toBeCloseTo(expected, 2);
        });
        tf.dispose([x, weights]);
      }),
      { seed: 32, numRuns: 20 },
    );
  });

  it('accept an empty batch', async () => {
    const instance: Case = {
      batch: 0,
      size: [5, 5],
      channels: 2,
      multiplier: 1,
      filter: [3, 3],
      strides: [1, 1],
      dilations: [1, 1],
      pad: 'same',
    };
    await expectAgreement(() => gradients(instance));
  });
});
