import { afterAll, describe, expect, test } from 'vitest';
import { HeldSum } from '../../../../../../server/runtime/trainer/sum/held-sum.ts';
import { startReducers } from '../../../../../../server/runtime/trainer/sum/reducers.ts';
import { rowsMax, tileBytes } from '../../../../../../server/runtime/trainer/sum/sum-memory.ts';
import { createRandom } from '../../../../../../shared/base/random.ts';
import type { CodecSpec } from '../../../../../../shared/codec/codec-spec.ts';
import { createFlatCodec } from '../../../../../../shared/codec/codecs.ts';

const entry = new URL('../../../../../../server/reducer-main.ts', import.meta.url);
const reducers = startReducers({ entry, lanes: 3, columnsMin: 1 });

afterAll(() => reducers.stop());

function values(length: number, seed: number): Float32Array {
  const random = createRandom(seed);
  const scale = 2 ** (3 - 2 * (seed % 9));
  return Float32Array.from({ length }, () => (random.unit() - 0.5) * scale);
}

const specs: readonly CodecSpec[] = [{ kind: 'float32' }, { kind: 'int8' }];

describe.each(specs)('three lanes of $kind', (spec) => {
  // One tile leaves two lanes without work, the last length gives each several tiles and a rest.
  test.each([1, 700, tileBytes + 1, 3 * tileBytes, 5 * tileBytes + 333])(
    'have the bits of the codec for %i values',
    (length) => {
      const codec = createFlatCodec(spec, length);
      const sum = new HeldSum(length, reducers);
      const expected = new Float64Array(length);
      for (let seed = 1; seed <= rowsMax + 3; seed++) {
        const payload = codec.encode(values(length, seed), seed);
        const weight = 1 + (seed % 3);
        sum.add(codec, payload, seed, weight, sum.check(codec, payload, seed));
        codec.decodeAndAccumulate(payload, seed, expected, weight);
      }
      const total = sum.total();
      // Only a view of shared memory was worked on by the other threads.
      expect(total.buffer).toBeInstanceOf(SharedArrayBuffer);
      expect(new BigInt64Array(new Float64Array(total).buffer)).toEqual(new BigInt64Array(expected.buffer));
    },
  );
});

test('payloads that are shared already, at odd places, are taken as they are', () => {
  const length = 2 * tileBytes + 77;
  const codec = createFlatCodec({ kind: 'int8' }, length);
  const sum = new HeldSum(length, reducers);
  const expected = new Float64Array(length);
  for (let seed = 1; seed <= 9; seed++) {
    const encoded = codec.encode(values(length, seed), seed);
    const payload = new Uint8Array(new SharedArrayBuffer(encoded.length + 16), seed, encoded.length);
    payload.set(encoded);
    sum.add(codec, payload, seed, 1, sum.check(codec, payload, seed));
    codec.decodeAndAccumulate(encoded, seed, expected, 1);
  }
  expect(new Float64Array(sum.total())).toEqual(expected);
});

test('short vectors are not shared out', () => {
  const few = { ...reducers, columnsMin: 1_000 };
  expect(new HeldSum(999, few).total().buffer).toBeInstanceOf(ArrayBuffer);
  expect(new HeldSum(1_000, few).total().buffer).toBeInstanceOf(SharedArrayBuffer);
});
