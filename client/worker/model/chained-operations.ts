import * as tf from '@tensorflow/tfjs-core';

/**
 * Methods on tensors that `tfjs-layers` calls itself (its orthogonal initialiser, and so every recurrent layer). The
 * union package registers over a hundred of them; a page needs only these.
 */
const methods: Readonly<Record<string, (this: tf.Tensor, ...parameters: never[]) => tf.Tensor>> = {
  flatten() {
    return tf.reshape(this, [this.size]);
  },
  reshape(shape: number[]) {
    return tf.reshape(this, shape);
  },
  sign() {
    return tf.sign(this);
  },
  stridedSlice(begin: number[], end: number[], strides: number[]) {
    return tf.stridedSlice(this, begin, end, strides);
  },
  transpose(permutation?: number[]) {
    return tf.transpose(this, permutation);
  },
};

export function installChainedOperations(): void {
  const prototype = tf.Tensor.prototype as unknown as Record<string, unknown>;
  for (const [name, method] of Object.entries(methods)) prototype[name] ??= method;
}
