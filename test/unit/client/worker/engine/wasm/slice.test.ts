import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, it } from 'vitest';
import { expectAgreement, randomTensor, startBackends } from './two-backends.ts';

beforeAll(startBackends);

/** A shape of up to five axes and a part of it. */
const anyPart = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 5 }), fc.nat(), fc.nat()), { minLength: 1, maxLength: 5 })
  .map((axes) => ({
    shape: axes.map(([length]) => length),
    begin: axes.map(([length, seed]) => seed % length),
    size: axes.map(([length, beginSeed, seed]) => seed % (length - (beginSeed % length) + 1)),
  }));

describe('Slice', () => {
  it('takes any part of any shape', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyPart,
        fc.constantFrom('float32', 'int32', 'bool'),
        async ({ shape, begin, size }, dtype) => {
          await expectAgreement(() => {
            const x = tf.cast(tf.mul(randomTensor(shape as never, 1), 9), dtype as 'float32');
            // Rank zero has no part to take.
            return shape.length === 0 ? tf.clone(x) : tf.slice(x, begin, size);
          });
        },
      ),
      { seed: 51, numRuns: 100 },
    );
  });

  it('takes the rest of an axis for -1', async () => {
    await expectAgreement(() => tf.slice(randomTensor([4, 5, 3], 1), [1, 2], [2, -1]));
  });
});

describe('SplitV', () => {
  it.each([
    [[6, 4], 3, 0],
    [[4, 6], 3, 1],
    [[2, 3, 8], [1, 5, 2], -1],
    [[2, 5, 3], [2, -1], 1],
    [[7], [3, 0, 4], 0],
  ] as const)('%s into %s along axis %s', async (shape, sizes, axis) => {
    await expectAgreement(() => {
      const parts = tf.split(
        randomTensor([...shape] as never, 1),
        typeof sizes === 'number' ? sizes : [...sizes],
        axis,
      );
      return Object.fromEntries(parts.map((part, index) => [`part ${index}`, part]));
    });
  });
});
