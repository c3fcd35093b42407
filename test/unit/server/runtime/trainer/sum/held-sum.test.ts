import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HeldSum } from '../../../../../../server/runtime/trainer/sum/held-sum.ts';
import { rowsMax, tileBytes } from '../../../../../../server/runtime/trainer/sum/sum-memory.ts';
import { createRandom } from '../../../../../../shared/base/random.ts';
import type { Codec } from '../../../../../../shared/codec/codec.ts';
import type { CodecSpec } from '../../../../../../shared/codec/codec-spec.ts';
import { createFlatCodec } from '../../../../../../shared/codec/codecs.ts';
import { bytesOf } from '../../../../../../shared/tensor/bytes.ts';
import { gridStep } from '../../../../../../shared/tensor/grid.ts';

const specs: readonly CodecSpec[] = [{ kind: 'float32' }, { kind: 'int8' }];

interface Part {
  readonly payload: Uint8Array;
  readonly weight: number;
  readonly seed: number;
}

/** Values of every magnitude from below the grid's step to beyond its end, with ties between its steps. */
function values(length: number, seed: number): Float32Array {
  const random = createRandom(seed);
  const exponents = Math.ceil(random.unit() * 60);
  return Float32Array.from({ length }, (_, index) => {
    const kind = random.unit();
    if (kind < 0.1) return 0;
    if (kind < 0.2) return (Math.floor(random.unit() * 16) - 8 + 0.5) * gridStep;
    // Scales are by blocks of 256: magnitudes change from block to block, and from payload to payload.
    const exponent = ((index >> 8) * 7 + seed * 13) % exponents;
    return (random.unit() - 0.5) * 2 ** (4 - exponent);
  });
}

/** The payload at an odd place of a larger buffer. */
function moved(payload: Uint8Array, offset: number): Uint8Array {
  const frame = new Uint8Array(payload.length + 16).fill(0xa5);
  frame.set(payload, offset);
  return frame.subarray(offset, offset + payload.length);
}

function partsOf(codec: Codec, length: number, seeds: readonly number[], weights: readonly number[]): Part[] {
  return seeds.map((seed, index) => {
    const payload = moved(codec.encode(values(length, seed), seed), seed % 9);
    return { payload, seed, weight: weights[index % weights.length] ?? 1 };
  });
}

function twinSum(codec: Codec, length: number, parts: readonly Part[]): Float64Array {
  const accumulator = new Float64Array(length);
  for (const { payload, seed, weight } of parts) {
    codec.decodeAndAccumulate(payload, seed, accumulator, weight);
  }
  return accumulator;
}

function addTo(sum: HeldSum, codec: Codec, { payload, seed, weight }: Part): void {
  const checked = sum.check(codec, payload, seed);
  expect(checked.squaredNorm).toBe(codec.squaredNorm(payload, seed));
  sum.add(codec, payload, seed, weight, checked);
}

/** Distinguishes the zeros. */
function expectSameBits(actual: Float64Array, expected: Float64Array): void {
  const words = (sum: Float64Array) => new BigInt64Array(sum.slice().buffer);
  expect(words(actual)).toEqual(words(expected));
}

const length = fc.oneof(
  fc.integer({ min: 1, max: 1_500 }),
  fc.constantFrom(tileBytes / 4 + 3, tileBytes + 257),
);
const seeds = fc.array(fc.integer({ min: 1, max: 1_000_000 }), { minLength: 1, maxLength: 12 });
const weights = fc.array(fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 80 })), { minLength: 1 });

describe.each(specs)('a held sum of $kind', (spec) => {
  test('has the bits of the codec for any values, weights, places in memory and lengths', () => {
    fc.assert(
      fc.property(length, seeds, weights, (n, ownSeeds, ownWeights) => {
        const codec = createFlatCodec(spec, n);
        const parts = partsOf(codec, n, ownSeeds, ownWeights);
        const sum = new HeldSum(n);
        for (const part of parts) addTo(sum, codec, part);
        expectSameBits(sum.total(), twinSum(codec, n, parts));
      }),
      { numRuns: 60 },
    );
  });

  test('has them for more payloads than are held, in any order, and after it was looked at', () => {
    const n = 700;
    const codec = createFlatCodec(spec, n);
    const manySeeds = Array.from({ length: 3 * rowsMax + 5 }, (_, index) => index + 1);
    const parts = partsOf(codec, n, manySeeds, [1, 1, 1, 2, 7]);
    const sum = new HeldSum(n);
    parts.toReversed().forEach((part, index) => {
      addTo(sum, codec, part);
      if (index === 5 || index === rowsMax + 1) sum.total();
    });
    expectSameBits(sum.total(), twinSum(codec, n, parts));
  });

  test('forgets what was held and what was added', () => {
    const n = 300;
    const codec = createFlatCodec(spec, n);
    const [first, second, third] = partsOf(codec, n, [1, 2, 3], [3]) as [Part, Part, Part];
    const sum = new HeldSum(n);
    for (const forget of [() => sum.clear(), () => sum.release()]) {
      addTo(sum, codec, first);
      sum.total();
      addTo(sum, codec, second);
      forget();
      addTo(sum, codec, third);
      expectSameBits(sum.total(), twinSum(codec, n, [third]));
      sum.clear();
    }
  });

  test('refuses what the codec refuses', () => {
    const n = 600;
    const codec = createFlatCodec(spec, n);
    const good = codec.encode(values(n, 1), 1);
    const sum = new HeldSum(n);
    const bad = good.slice().fill(0xff, 0, 4);
    expect(() => sum.check(codec, good.subarray(1), 1)).toThrow(
      expect.objectContaining({ code: 'wrongLength' }),
    );
    const code = spec.kind === 'float32' ? 'notFinite' : 'badRequest';
    expect(() => sum.check(codec, bad, 1)).toThrow(expect.objectContaining({ code }));
    expectSameBits(sum.total(), new Float64Array(n));
  });
});

test('float32 values beyond the grid are clipped, wherever they stand', () => {
  for (const n of [1, 4, 7, 9]) {
    const codec = createFlatCodec({ kind: 'float32' }, n);
    for (let index = 0; index < n; index++) {
      const vector = new Float32Array(n).fill(0.25);
      vector[index] = index % 2 === 0 ? 4 : -1e30;
      const part = { payload: bytesOf(vector), seed: 0, weight: 2 };
      const sum = new HeldSum(n);
      addTo(sum, codec, part);
      expectSameBits(sum.total(), twinSum(codec, n, [part]));
    }
  }
});

test('int8 codes of every scale beside every other are summed exactly', () => {
  const n = 256 * 161;
  const codec = createFlatCodec({ kind: 'int8' }, n);
  const parts = Array.from({ length: rowsMax }, (_, row): Part => {
    const random = createRandom(row + 1);
    const payload = Uint8Array.from({ length: codec.encodedBytes }, () => Math.floor(random.unit() * 256));
    for (let block = 0; block < 161; block++) payload[block] = (block * (1 + (row % 7)) + row) % 161;
    return { payload, seed: 0, weight: row === 3 ? 900 : 1 };
  });
  const sum = new HeldSum(n);
  for (const part of parts) addTo(sum, codec, part);
  expectSameBits(sum.total(), twinSum(codec, n, parts));
});

test('payloads of two codecs go into one sum', () => {
  const n = 500;
  const codecs = specs.map((spec) => createFlatCodec(spec, n));
  const sum = new HeldSum(n);
  const expected = new Float64Array(n);
  codecs.forEach((codec, index) => {
    const [part] = partsOf(codec, n, [index + 1], [1]) as [Part];
    addTo(sum, codec, part);
    codec.decodeAndAccumulate(part.payload, part.seed, expected, part.weight);
  });
  expectSameBits(sum.total(), expected);
});
