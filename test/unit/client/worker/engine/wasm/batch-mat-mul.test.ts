import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectAgreement, randomTensor, randomValues, startBackends, valuesOn } from './two-backends.ts';

beforeAll(startBackends);

describe('BatchMatMul', () => {
  it('is exactly the serial float32 sum, for any size and layout', async () => {
    await tf.setBackend('wasm');
    const size = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.constantFrom(63, 64, 65, 257, 300));
    fc.assert(
      fc.property(
        size,
        size,
        size,
        fc.boolean(),
        fc.boolean(),
        (rows, columns, depth, transposeA, transposeB) => {
          const a = randomValues(rows * depth, rows + columns);
          const b = randomValues(depth * columns, depth + 1);
          const product = tf.tidy(() =>
            tf
              .matMul(
                tf.tensor2d(a, transposeA ? [depth, rows] : [rows, depth]),
                tf.tensor2d(b, transposeB ? [columns, depth] : [depth, columns]),
                transposeA,
                transposeB,
              )
              .dataSync(),
          );
          const expected = new Float32Array(rows * columns);
          for (let row = 0; row < rows; row++) {
            for (let column = 0; column < columns; column++) {
              let sum = 0;
              for (let k = 0; k < depth; k++) {
                const left = a[transposeA ? k * rows + row : row * depth + k]!;
                const right = b[transposeB ? column * depth + k : k * columns + column]!;
                sum = Math.fround(sum + Math.fround(left * right));
              }
              expected[row * columns + column] = sum;
            }
          }
          expect(product).toEqual(expected);
        },
      ),
      { seed: 11, numRuns: 60 },
    );
  });

  it('crosses the block sizes of the packing', async () => {
    await expectAgreement(() => tf.matMul(randomTensor([70, 600], 1), randomTensor([600, 530], 2)));
    await expectAgreement(() =>
      tf.matMul(randomTensor([530, 5], 3), randomTensor([513, 530], 4), true, true),
    );
  });

  const batches: [a: number[], b: number[], transposeA: boolean, transposeB: boolean][] = [
    [[3, 5, 7], [3, 7, 9], false, false],
    [[3, 7, 5], [3, 7, 9], true, false],
    [[3, 5, 7], [3, 9, 7], false, true],
    [[3, 7, 5], [3, 9, 7], true, true],
    [[4, 5, 7], [1, 7, 9], false, false],
    [[4, 7, 5], [1, 9, 7], true, true],
    [[1, 5, 7], [4, 7, 9], false, false],
    [[2, 3, 5, 7], [2, 3, 7, 4], false, false],
    [[3, 5, 7], [2, 3, 7, 4], false, false],
    [[2, 3, 1, 1], [2, 3, 1, 1], false, false],
  ];
  it.each(batches)('broadcasts [%s] and [%s], transposed %s and %s', async (a, b, transposeA, transposeB) => {
    await expectAgreement(() =>
      tf.matMul(randomTensor(a as never, 5), randomTensor(b as never, 6), transposeA, transposeB),
    );
  });

  it('broadcasts both sides at once, which the CPU backend gets wrong', async () => {
    await tf.setBackend('wasm');
    tf.tidy(() => {
      const [a, b] = [randomTensor<tf.Rank.R4>([2, 1, 7, 5], 5), randomTensor<tf.Rank.R3>([3, 4, 7], 6)];
      const repeated = tf.matMul(
        tf.tile(a, [1, 3, 1, 1]),
        tf.tile(tf.expandDims(b, 0), [2, 1, 1, 1]),
        true,
        true,
      );
      const broadcast = tf.matMul(a, b, true, true);
      expect(broadcast.shape).toEqual([2, 3, 5, 4]);
      expect(broadcast.dataSync()).toEqual(repeated.dataSync());
    });
  });

  it('accepts tensors without elements', async () => {
    await expectAgreement(() => tf.matMul(tf.zeros([0, 3]), tf.zeros([3, 2])));
    const { result } = await valuesOn('wasm', () => tf.matMul(tf.zeros([2, 0]), tf.zeros([0, 3])));
    expect(result).toEqual({ shape: [2, 3], dtype: 'float32', values: new Float32Array(6) });
  });

  it('survives the growth of the heap', async () => {
    const compute = () => tf.matMul(randomTensor([33, 40], 1), randomTensor([40, 17], 2));
    const before = await valuesOn('wasm', compute);
    const large = tf.zeros([64, 1024, 1024]);
    large.dataSync();
    const after = await valuesOn('wasm', compute);
    large.dispose();
    expect(after).toEqual(before);
  });

  it('leaves other types to the stock kernel', async () => {
    await tf.setBackend('wasm');
    expect(() => tf.tidy(() => tf.matMul(tf.ones([2, 2], 'int32'), tf.ones([2, 2], 'int32')))).toThrow(
      'float32',
    );
  });

  it('hands on infinities and NaN', async () => {
    const special = [1, Number.POSITIVE_INFINITY, Number.NaN, -0, 2, 3];
    await expectAgreement(() => tf.matMul(tf.tensor2d(special, [2, 3]), tf.tensor2d(special, [3, 2])));
  });
});
