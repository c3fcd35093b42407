import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, it } from 'vitest';
import { expectAgreement, randomTensor, startBackends, weightedSum } from './two-backends.ts';

beforeAll(startBackends);

const activations = ['linear', 'relu', 'relu6', 'elu', 'sigmoid', 'leakyrelu', 'prelu'] as const;
const biasShapes: (number[] | undefined)[] = [undefined, [11], [1], [], [1, 11]];

describe('_FusedMatMul', () => {
  for (const activation of activations) {
    it.each(biasShapes)(`adds a bias of shape %s and applies ${activation}`, async (biasShape) => {
      await expectAgreement(() =>
        tf.fused.matMul({
          a: tf.mul<tf.Tensor2D>(randomTensor<tf.Rank.R2>([9, 13], 1), 4),
          b: randomTensor<tf.Rank.R2>([13, 11], 2),
          ...(biasShape === undefined ? {} : { bias: randomTensor(biasShape as never, 3) }),
          activation,
          leakyreluAlpha: 0.3,
          ...(activation === 'prelu' ? { preluActivationWeights: randomTensor<tf.Rank.R1>([11], 4) } : {}),
        }),
      );
    });
  }

  it.each([
    [false, true],
    [true, false],
    [true, true],
  ])('multiplies transposed matrices (%s, %s)', async (transposeA, transposeB) => {
    await expectAgreement(() =>
      tf.fused.matMul({
        a: randomTensor<tf.Rank.R2>(transposeA ? [13, 9] : [9, 13], 1),
        b: randomTensor<tf.Rank.R2>(transposeB ? [11, 13] : [13, 11], 2),
        transposeA,
        transposeB,
        bias: randomTensor<tf.Rank.R1>([11], 3),
      }),
    );
  });

  it('has a gradient', async () => {
    await expectAgreement(() => {
      const gradients = tf.grads((a, b, bias) =>
        weightedSum(
          tf.fused.matMul({ a: a as tf.Tensor2D, b: b as tf.Tensor2D, bias, activation: 'linear' }),
        ),
      )([randomTensor([6, 5], 1), randomTensor([5, 7], 2), randomTensor([7], 3)]);
      return Object.fromEntries(gradients.map((gradient, index) => [`input ${index}`, gradient]));
    });
  });
});
