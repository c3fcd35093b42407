import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { expectAgreement, randomTensor, startBackends } from './two-backends.ts';

beforeAll(startBackends);
beforeEach(async () => {
  await tf.setBackend('wasm');
});

describe('Identity and Cast to the same type', () => {
  it.each([(x: tf.Tensor) => tf.clone(x), (x: tf.Tensor) => tf.cast(x, 'float32')])(
    'outlive the tensor they share data with',
    (copy) => {
      const x = tf.tensor1d([1, 2, 3]);
      const shared = copy(x);
      x.dispose();
      const other = tf.tensor1d([7, 8, 9]);
      expect([...shared.dataSync()]).toEqual([1, 2, 3]);
      const before = tf.engine().backend.numDataIds();
      tf.dispose([shared, other]);
      expect(tf.engine().backend.numDataIds()).toBe(before - 2);
    },
  );

  it('follow a move to another backend', async () => {
    const x = randomTensor([5], 1);
    const shared = tf.clone(x);
    await tf.setBackend('cpu');
    const doubled = tf.mul(shared, 2).dataSync();
    await tf.setBackend('wasm');
    expect(tf.mul(x, 2).dataSync()).toEqual(doubled);
    tf.dispose([x, shared]);
  });

  it('do not follow a variable that is assigned', () => {
    const variable = tf.variable(tf.tensor1d([1, 2]));
    const copy = tf.clone(variable);
    variable.assign(tf.tensor1d([3, 4]));
    expect([...copy.dataSync()]).toEqual([1, 2]);
    tf.dispose([variable, copy]);
  });
});

describe('Cast', () => {
  it.each([
    ['float32', 'int32'],
    ['int32', 'float32'],
    ['bool', 'float32'],
    ['int32', 'int32'],
    ['bool', 'bool'],
    ['float32', 'bool'],
    ['int32', 'bool'],
  ] as const)('%s to %s', async (from, to) => {
    await expectAgreement(() =>
      tf.cast(tf.tensor1d(from === 'bool' ? [0, 1, 1, 0] : [0, 256, -1, 0.5], from), to),
    );
  });
});
