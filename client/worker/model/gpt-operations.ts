import * as tf from '@tensorflow/tfjs-core';
import { layerNorm as fusedLayerNorm, layerNormForward } from '../engine/wasm/layer-norm.ts';
import { differentiable, kept } from './differentiable.ts';

const epsilon = 1e-5;

/** Ba, Kiros and Hinton 2016, with a gain and no bias. `x` is `[rows, width]`, `gain` is `[width]`. */
export function layerNorm(x: tf.Tensor, gain: tf.Tensor): tf.Tensor {
  return hasFusedKernel(gain.size)
    ? fusedLayerNorm(x, gain, tf.zeros([gain.size]), epsilon)
    : composedLayerNorm(x, gain);
}

/** One kernel each way in place of seventeen, where our kernels are installed; it takes four columns at a time. */
function hasFusedKernel(width: number): boolean {
  if (tf.getBackend() !== 'wasm' || width % 4 !== 0) return false;
  // The types of TensorFlow.js leave out that the registry answers undefined for a kernel it does not have.
  return (tf.getKernel(layerNormForward.kernelName, 'wasm') as unknown) !== undefined;
}

function composedLayerNorm(x: tf.Tensor, gain: tf.Tensor): tf.Tensor {
  return differentiable([x, gain], (keep) => {
    const centred = tf.sub(x, tf.mean(x, 1, true));
    const scale = tf.rsqrt(tf.add(tf.mean(tf.square(centred), 1, true), epsilon));
    const normal = tf.mul(centred, scale);
    keep(normal, scale, gain);
    return {
      value: tf.mul(normal, gain),
      gradient: (dy, saved) => {
        const [y, inverse] = [kept(saved, 0), kept(saved, 1)];
        const dNormal = tf.mul(dy, kept(saved, 2));
        const along = tf.mul(y, tf.mean(tf.mul(dNormal, y), 1, true));
        const dx = tf.mul(tf.sub(tf.sub(dNormal, tf.mean(dNormal, 1, true)), along), inverse);
        return [dx, tf.sum(tf.mul(dy, y), 0)];
      },
    };
  });
}

const slope = 2 * Math.sqrt(2 / Math.PI);
const cubic = 0.044715;

/** GPT-2's GELU (Hendrycks and Gimpel 2016): x sigmoid(2 sqrt(2 / pi) (x + 0.044715 x^3)). */
export function gelu(x: tf.Tensor): tf.Tensor {
  return differentiable([x], (keep) => {
    const square = tf.square(x);
    const gate = tf.sigmoid(tf.mul(tf.mul(x, tf.add(tf.mul(square, cubic), 1)), slope));
    keep(x, square, gate);
    return {
      value: tf.mul(x, gate),
      gradient: (dy, saved) => {
        const [input, squared, open] = [kept(saved, 0), kept(saved, 1), kept(saved, 2)];
        const inner = tf.mul(input, tf.add(tf.mul(squared, slope * 3 * cubic), slope));
        const derivative = tf.mul(open, tf.add(tf.mul(inner, tf.sub(1, open)), 1));
        return tf.mul(dy, derivative);
      },
    };
  });
}

export interface AttentionShape {
  readonly batch: number;
  readonly context: number;
  readonly heads: number;
  readonly headWidth: number;
}

/**
 * Causal self-attention (Vaswani et al. 2017) over `[batch * context, 3 * width]` queries, keys and values side by
 * side, to `[batch * context, width]`. `mask` is `[context, context]`: 0 where a token may look, very negative elsewhere.
 */
export function causalAttention(projected: tf.Tensor, mask: tf.Tensor, shape: AttentionShape): tf.Tensor {
  const { batch, context, heads, headWidth } = shape;
  const scale = 1 / Math.sqrt(headWidth);
  const byHead: [number, number, number] = [batch * heads, context, headWidth];
  return differentiable([projected], (keep) => {
    // Of rank 4, whose transposes every back end does fast: queries, keys and values count as heads.
    const apart = tf.transpose(tf.reshape(projected, [batch, context, 3 * heads, headWidth]), [0, 2, 1, 3]);
    const [q, k, v] = tf.split(apart, 3, 1).map((part) => tf.reshape(part, byHead)) as [
      tf.Tensor3D,
      tf.Tensor3D,
      tf.Tensor3D,
    ];
    // Scaling the queries touches fewer values than scaling the scores.
    const scaled = tf.mul(q, scale) as tf.Tensor3D;
    const scores = tf.add(tf.matMul(scaled, k, false, true), mask);
    const weights = tf.softmax(scores) as tf.Tensor3D;
    keep(scaled, k, v, weights);
    return {
      value: joinHeads(tf.matMul(weights, v), shape),
      gradient: (dy, saved) => {
        const [query, key, value, attention] = [0, 1, 2, 3].map((index) => kept(saved, index)) as [
          tf.Tensor3D,
          tf.Tensor3D,
          tf.Tensor3D,
          tf.Tensor3D,
        ];
        const dOut = splitHeads(dy, shape);
        const dValue = tf.matMul(attention, dOut, true, false);
        const dAttention = tf.matMul(dOut, value, false, true);
        const weighted = tf.mul(dAttention, attention);
        const dScores = tf.sub(weighted, tf.mul(attention, tf.sum(weighted, 2, true))) as tf.Tensor3D;
        const dQuery = tf.mul(tf.matMul(dScores, key), scale);
        const parts = [dQuery, tf.matMul(dScores, query, true, false), dValue];
        const joined = tf.concat(
          parts.map((part) => tf.reshape(part, [batch, heads, context, headWidth])),
          1,
        );
        const together = tf.transpose(joined, [0, 2, 1, 3]);
        return tf.reshape(together, projected.shape);
      },
    };
  });
}

function joinHeads(x: tf.Tensor, { batch, context, heads, headWidth }: AttentionShape): tf.Tensor {
  const apart = tf.reshape(x, [batch, heads, context, headWidth]);
  return tf.reshape(tf.transpose(apart, [0, 2, 1, 3]), [batch * context, heads * headWidth]);
}

function splitHeads(x: tf.Tensor, { batch, context, heads, headWidth }: AttentionShape): tf.Tensor3D {
  const together = tf.reshape(x, [batch, context, heads, headWidth]);
  return tf.reshape(tf.transpose(together, [0, 2, 1, 3]), [batch * heads, context, headWidth]);
}
