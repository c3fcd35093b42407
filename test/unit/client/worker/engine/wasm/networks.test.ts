import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, it } from 'vitest';
import { layerNorm } from '../../../../../../client/worker/engine/wasm/layer-norm.ts';
import { expectAgreement, randomTensor, randomValues, startBackends } from './two-backends.ts';

beforeAll(startBackends);

type Parameters = readonly tf.Tensor[];

/** Loss and gradients of all parameters. */
function lossAndGradients(
  shapes: number[][],
  scale: number,
  loss: (...parameters: tf.Tensor[]) => tf.Tensor,
) {
  const parameters: Parameters = shapes.map((shape, index) =>
    tf.mul(randomTensor(shape as never, index + 1), scale),
  );
  const { value, grads } = tf.valueAndGrads((...given) => loss(...(given as tf.Tensor[])) as tf.Scalar)([
    ...parameters,
  ]);
  return {
    loss: value,
    ...Object.fromEntries(grads.map((gradient, index) => [`parameter ${index}`, gradient])),
  };
}

function crossEntropy(logits: tf.Tensor, classes: number, rows: number): tf.Tensor {
  const labels = Int32Array.from(randomValues(rows, 77), (value) => Math.floor(((value + 1) / 2) * classes));
  const oneHot = tf.oneHot(tf.tensor1d(labels, 'int32'), classes);
  return tf.neg(tf.mean(tf.sum(tf.mul(oneHot, tf.logSoftmax(logits)), -1)));
}

/** Convolution, pooling, convolution, pooling and a dense layer: the usual network for MNIST. */
function convolutionalNetwork(): tf.NamedTensorMap {
  const images = randomTensor<tf.Rank.R4>([6, 28, 28, 1], 50);
  const shapes = [[3, 3, 1, 8], [8], [3, 3, 8, 16], [16], [400, 10], [10]];
  return lossAndGradients(shapes, 0.3, (filter1, bias1, filter2, bias2, weights, bias) => {
    const stage = (x: tf.Tensor, filter?: tf.Tensor, shift?: tf.Tensor) =>
      tf.maxPool(
        tf.relu(
          tf.add(tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 1, 'valid'), shift ?? 0),
        ) as tf.Tensor4D,
        2,
        2,
        'valid',
      );
    const features = tf.reshape(stage(stage(images, filter1, bias1), filter2, bias2), [6, 400]);
    return crossEntropy(tf.add(tf.matMul(features, weights as tf.Tensor), bias as tf.Tensor), 10, 6);
  });
}

/** One block of a language model: embedding, causal attention, a GELU layer and tied output weights. */
function transformerBlock(fused: boolean): tf.NamedTensorMap {
  const [batch, length, width, heads, vocabulary] = [3, 16, 32, 4, 21];
  const rows = batch * length;
  const ids = Int32Array.from(randomValues(rows, 60), (value) => Math.floor(((value + 1) / 2) * vocabulary));
  const mask = tf.tensor2d(
    Float32Array.from({ length: length * length }, (_, index) =>
      index % length > Math.floor(index / length) ? -1e9 : 0,
    ),
    [length, length],
  );
  const normalise = (x: tf.Tensor, scale: tf.Tensor): tf.Tensor => {
    if (fused && tf.getBackend() === 'wasm') return layerNorm(x, scale, tf.zeros([width]), 1e-5);
    const { mean, variance } = tf.moments(x, -1, true);
    return tf.mul(tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-5))), scale);
  };
  const shapes = [
    [vocabulary, width],
    [length, width],
    [width],
    [width, 3 * width],
    [width, width],
    [width],
    [width, 4 * width],
    [4 * width, width],
  ];
  return lossAndGradients(shapes, 0.4, (...parameters) => {
    const [table, positions, scale1, attention, projection, scale2, up, down] = parameters as [
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
    ];
    const embedded = tf.reshape(tf.gather(table, tf.tensor1d(ids, 'int32')), [batch, length, width]);
    let x: tf.Tensor = tf.reshape(tf.add(embedded, positions), [rows, width]);
    const parts = tf.split(tf.matMul(normalise(x, scale1), attention), 3, 1);
    const [query, key, value] = parts.map((part) =>
      tf.transpose(tf.reshape(part, [batch, length, heads, width / heads]), [0, 2, 1, 3]),
    ) as [tf.Tensor, tf.Tensor, tf.Tensor];
    const scores = tf.add(tf.mul(tf.matMul(query, key, false, true), 1 / Math.sqrt(width / heads)), mask);
    const mixed = tf.reshape(tf.transpose(tf.matMul(tf.softmax(scores), value), [0, 2, 1, 3]), [rows, width]);
    x = tf.add(x, tf.matMul(mixed, projection));
    const hidden = tf.matMul(normalise(x, scale2), up);
    x = tf.add(x, tf.matMul(tf.mul(hidden, tf.sigmoid(tf.mul(hidden, 1.702))), down));
    return crossEntropy(tf.matMul(x, table, false, true), vocabulary, rows);
  });
}

describe('loss and gradients agree with the CPU backend', () => {
  it('for a convolutional network', async () => {
    await expectAgreement(convolutionalNetwork);
  });

  it('for a transformer block', async () => {
    await expectAgreement(() => transformerBlock(false));
  });

  it('for a transformer block with the fused layer normalisation', async () => {
    await expectAgreement(() => transformerBlock(true));
  });
});
