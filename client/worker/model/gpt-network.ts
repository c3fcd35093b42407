import * as tf from '@tensorflow/tfjs-core';
import { assert } from '../../../shared/base/assert.ts';
import { gptTensors } from '../../../shared/model/gpt-tensors.ts';
import type { GptSpec } from '../../../shared/model/model-spec.ts';
import { type AttentionShape, causalAttention, gelu, layerNorm } from './gpt-operations.ts';
import type { Network } from './network.ts';

/** Large enough that its exponential is zero, small enough that sums with it stay finite. */
const masked = -1e9;

function causalMask(context: number): tf.Tensor2D {
  const values = Float32Array.from({ length: context * context }, (_, index) =>
    index % context > Math.floor(index / context) ? masked : 0,
  );
  return tf.tensor2d(values, [context, context]);
}

/** A decoder-only transformer on the current back end, with parameters of zero. */
export function createGptNetwork(spec: GptSpec, vocabulary: number): Network {
  const variables = new Map(
    gptTensors(spec, vocabulary).map(({ name, shape }) => [
      name,
      tf.tidy(() => tf.variable(tf.zeros([...shape]))),
    ]),
  );
  const mask = causalMask(spec.context);
  const weight = (name: string): tf.Variable => {
    const variable = variables.get(`${name}.weight`);
    assert(variable !== undefined, `a gpt has the tensor ${name}.weight`);
    return variable;
  };
  const linear = (x: tf.Tensor, name: string): tf.Tensor =>
    tf.matMul(x as tf.Tensor2D, weight(name) as tf.Tensor2D);

  const block = (x: tf.Tensor, index: number, shape: AttentionShape): tf.Tensor => {
    const at = (name: string): string => `h.${index}.${name}`;
    const projected = linear(layerNorm(x, weight(at('ln_1'))), at('attn.c_attn'));
    const attended = tf.add(x, linear(causalAttention(projected, mask, shape), at('attn.c_proj')));
    const hidden = gelu(linear(layerNorm(attended, weight(at('ln_2'))), at('mlp.c_fc')));
    return tf.add(attended, linear(hidden, at('mlp.c_proj')));
  };

  return {
    tensors: [...variables].map(([name, variable]) => ({ name, role: 'trainable', variable })),
    inputType: 'int32',
    inputShape: [spec.context],
    forward(x) {
      const { context, heads, width } = spec;
      const batch = x.shape[0] ?? 0;
      const shape = { batch, context, heads, headWidth: width / heads };
      const rows = batch * context;
      const embedding = weight('wte');
      const tokens = tf.gather(embedding, tf.reshape(x, [rows]) as tf.Tensor1D);
      const placed = tf.add(tf.reshape(tokens, [batch, context, width]), weight('wpe'));
      let hidden: tf.Tensor = tf.reshape(placed, [rows, width]);
      for (let index = 0; index < spec.layers; index++) hidden = block(hidden, index, shape);
      const last = layerNorm(hidden, weight('ln_f')) as tf.Tensor2D;
      const logits = tf.matMul(last, embedding as tf.Tensor as tf.Tensor2D, false, true);
      return tf.reshape(logits, [batch, context, vocabulary]);
    },
    penalties: () => [],
    dispose() {
      mask.dispose();
      for (const variable of variables.values()) variable.dispose();
    },
  };
}
