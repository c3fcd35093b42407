import * as tf from '@tensorflow/tfjs-core';
import type { LossName } from '../../../shared/model/model-spec.ts';
import { differentiable, kept } from './differentiable.ts';

/**
 * `logits` and predictions are `[rows, outputs]`; labels are `[rows]` class indices (int32) for softmax cross-entropy,
 * `[rows, outputs]` float32 otherwise.
 */
export interface Loss {
  /** Mean over the rows (and outputs, where each is a loss of its own): a differentiable scalar. */
  mean(logits: tf.Tensor2D, labels: tf.Tensor): tf.Tensor;
  /** Fraction of the rows (and outputs) that are right; undefined for regression. */
  readonly accuracy: ((logits: tf.Tensor2D, labels: tf.Tensor) => tf.Tensor) | undefined;
}

function softmaxCrossEntropy(logits: tf.Tensor2D, labels: tf.Tensor): tf.Tensor {
  const [rows, outputs] = logits.shape;
  return differentiable([logits], (keep) => {
    // A oneHot of float32 is wrong on the WASM back end: it writes the integer 1 as a float's bits.
    const expected = tf.cast(tf.oneHot(labels as tf.Tensor1D, outputs), 'float32');
    const shifted = tf.sub(logits, tf.max(logits, 1, true));
    const logProbabilities = tf.sub(shifted, tf.log(tf.sum(tf.exp(shifted), 1, true)));
    keep(logProbabilities, expected);
    return {
      value: tf.mul(tf.sum(tf.sum(tf.mul(logProbabilities, expected), 1)), -1 / rows),
      gradient: (dy, saved) => tf.mul(tf.sub(tf.exp(kept(saved, 0)), kept(saved, 1)), tf.mul(dy, 1 / rows)),
    };
  });
}

/** From logits: max(x, 0) - x z + log(1 + exp(-|x|)), which neither overflows nor loses small values. */
function binaryCrossEntropy(logits: tf.Tensor2D, labels: tf.Tensor): tf.Tensor {
  return differentiable([logits], (keep) => {
    keep(logits, labels);
    const tail = tf.log1p(tf.exp(tf.neg(tf.abs(logits))));
    return {
      value: tf.mean(tf.add(tf.sub(tf.relu(logits), tf.mul(logits, labels)), tail)),
      gradient: (dy, saved) =>
        tf.mul(tf.sub(tf.sigmoid(kept(saved, 0)), kept(saved, 1)), tf.mul(dy, 1 / logits.size)),
    };
  });
}

function meanSquaredError(predictions: tf.Tensor2D, labels: tf.Tensor): tf.Tensor {
  return tf.mean(tf.squaredDifference(predictions, labels));
}

function classAccuracy(logits: tf.Tensor2D, labels: tf.Tensor): tf.Tensor {
  return tf.mean(tf.cast(tf.equal(tf.argMax(logits, 1), labels), 'float32'));
}

function binaryAccuracy(logits: tf.Tensor2D, labels: tf.Tensor): tf.Tensor {
  return tf.mean(tf.cast(tf.equal(tf.greater(logits, 0), tf.greater(labels, 0.5)), 'float32'));
}

export const losses: Readonly<Record<LossName, Loss>> = {
  softmaxCrossEntropy: { mean: softmaxCrossEntropy, accuracy: classAccuracy },
  binaryCrossEntropy: { mean: binaryCrossEntropy, accuracy: binaryAccuracy },
  meanSquaredError: { mean: meanSquaredError, accuracy: undefined },
};
