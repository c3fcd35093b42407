import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRandom } from '../../../../shared/base/random.ts';
import { counterHash, hashKey } from '../../../../shared/codec/counter-hash.ts';
import { createInt8, int8BlockLength } from '../../../../shared/codec/int8.ts';
import { scaleByteFor, scaleByteMax, scales } from '../../../../shared/codec/int8-scale.ts';
import { gridStep } from '../../../../shared/tensor/grid.ts';

const int8For = (length: number) => createInt8({ kind: 'int8' }, { length });
const encode = (values: Float32Array, seed: number) => int8For(values.length).encode(values, seed);

const seeds = fc.integer({ min: 0, max: 0xffffffff });
const float = fc.float({ noNaN: true, min: -Math.fround(1e30), max: Math.fround(1e30) });
const vectors = fc.oneof(
  fc.float32Array({ noNaN: true, min: -1, max: 1, maxLength: 600 }),
  fc.array(float, { maxLength: 20 }).map((values) => Float32Array.from(values)),
);

function roundTrip(values: Float32Array, seed: number): Float32Array {
  const target = new Float32Array(values.length);
  int8For(values.length).decode(encode(values, seed), 0, target);
  return target;
}

const bitsOf = (value: number): number => new Uint32Array(Float32Array.of(value).buffer)[0]!;

function gaussianLike(length: number, seed: number): Float32Array {
  const random = createRandom(seed);
  return Float32Array.from({ length }, () => random.unit() + random.unit() + random.unit() - 1.5);
}

describe('scales', () => {
  test('are the powers of two from 2^-40', () => {
    expect(scales[0]).toBe(gridStep);
    expect(scales[40]).toBe(1);
    expect(scales[scaleByteMax]).toBe(2 ** 120);
  });

  test('are the smallest whose 127 steps reach the magnitude', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, min: 0, max: Math.fround(1.6e38) }), (magnitude) => {
        const byte = scaleByteFor(bitsOf(magnitude));
        expect(127 * scales[byte]!).toBeGreaterThanOrEqual(magnitude);
        if (byte > 0) expect(127 * scales[byte - 1]!).toBeLessThan(magnitude);
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, 1.7e38])('are out of range for %d', (value) => {
    expect(scaleByteFor(bitsOf(value))).toBeGreaterThan(scaleByteMax);
  });
});

describe('encode', () => {
  test('gives these very bytes', () => {
    const values = Float32Array.of(0, 1, -1, 0.5, 127, -127, 0.25, 3);
    expect([...encode(values, 7)]).toEqual([40, 0, 1, 255, 1, 127, 129, 0, 3]);
    const long = encode(gaussianLike(1_000, 1), 42);
    expect(createHash('sha256').update(long).digest('hex')).toMatchInlineSnapshot(
      `"459fadb6df4d5fb880d0877a3791b4da6b1d51c976a640d2646d463abe130a74"`,
    );
  });

  test('gives the length it announces', () => {
    fc.assert(
      fc.property(vectors, seeds, (values, seed) => {
        const bytes = encode(values, seed).byteLength;
        expect(bytes).toBe(int8For(values.length).encodedBytes);
        expect(bytes).toBe(values.length + Math.ceil(values.length / int8BlockLength));
      }),
    );
  });

  test('errs by less than one step of the block', () => {
    fc.assert(
      fc.property(vectors, seeds, (values, seed) => {
        const decoded = roundTrip(values, seed);
        for (let start = 0; start < values.length; start += int8BlockLength) {
          const block = values.subarray(start, start + int8BlockLength);
          const largest = block.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
          const step = Math.max(gridStep, largest / 63);
          block.forEach((value, index) => {
            expect(Math.abs(decoded[start + index]! - value)).toBeLessThan(step);
          });
        }
      }),
    );
  });

  test('keeps values that are codes already', () => {
    const values = Float32Array.from({ length: 255 }, (_, index) => (index - 127) / 64);
    expect(roundTrip(values, 3)).toEqual(values);
  });

  test('takes the floor of the exact sum of value and chance', () => {
    // In steps of 2^-149 every float32 is a whole number.
    const exactly = (value: number): bigint => BigInt(value * 2 ** 149);
    const tiny = [0, -0, 1e-30, -1e-30, 2 ** -47, -(2 ** -47), 2 ** -40, -(2 ** -33), 1e-9, -1e-9];
    for (let seed = 0; seed < 200; seed++) {
      const { first, second } = hashKey(seed);
      const chances = Array.from({ length: 256 }, (_, index) => counterHash(index, first, second) / 2 ** 32);
      // Some lie next to where the code changes.
      const values = Float32Array.from(chances, (chance, index) =>
        index % 2 === 0 ? tiny[(index / 2) % tiny.length]! : (index % 5) - 2 - chance,
      );
      values[255] = 127;
      const codes = new Int8Array(encode(values, seed).buffer, 1);
      for (let index = 0; index < 255; index++) {
        const value = values[index]!;
        expect(BigInt(codes[index]!), `seed ${seed}, value ${value}`).toBe(
          (exactly(value) + exactly(chances[index]!)) >> 149n,
        );
      }
    }
  });

  test('is unbiased over seeds and over positions', () => {
    const fractions = [0.1, 0.5, 0.9, -0.3, 1 / 3];
    const values = new Float32Array(256);
    for (let index = 0; index < 256; index++) values[index] = fractions[index % fractions.length]!;
    values[255] = 127;
    const sums = new Float64Array(fractions.length);
    const counts = new Float64Array(fractions.length);
    for (let seed = 0; seed < 2_000; seed++) {
      const decoded = roundTrip(values, seed);
      for (let index = 0; index < 255; index++) {
        sums[index % fractions.length]! += decoded[index]!;
        counts[index % fractions.length]! += 1;
      }
    }
    // 102,000 draws each, with a deviation of 0.5 at most: 0.01 is more than six deviations of the mean.
    fractions.forEach((fraction, index) => {
      expect(Math.abs(sums[index]! / counts[index]! - fraction)).toBeLessThan(0.01);
    });
  });

  test('rounds differently for another seed, and alike for the same', () => {
    const values = gaussianLike(2_000, 9);
    expect(encode(values, 1)).toEqual(encode(values, 1));
    expect(encode(values, 1)).not.toEqual(encode(values, 2));
  });

  test('reads a view inside a larger buffer', () => {
    const whole = gaussianLike(600, 4);
    const part = whole.subarray(100, 500);
    expect(encode(part, 5)).toEqual(encode(part.slice(), 5));
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 3e38])('refuses %d', (bad) => {
    const values = new Float32Array(300);
    values[299] = bad;
    expect(() => encode(values, 0)).toThrow(expect.objectContaining({ code: 'notFinite' }));
  });
});

describe('decode', () => {
  test.each([0, 1, 256, 257, 300])('refuses any other length than that of %d values', (length) => {
    const int8 = int8For(length);
    const exact = int8.encodedBytes;
    for (const bytes of [exact - 1, exact + 1].filter((count) => count >= 0)) {
      const payload = new Uint8Array(bytes);
      const refusal = expect.objectContaining({ code: 'wrongLength' });
      expect(() => int8.decode(payload, 0, new Float32Array(length))).toThrow(refusal);
      expect(() => int8.squaredNorm(payload, 0)).toThrow(refusal);
      expect(() => int8.decodeAndAccumulate(payload, 0, new Float64Array(length), 1)).toThrow(refusal);
    }
  });

  test('refuses a scale off the grid and writes nothing', () => {
    const int8 = int8For(300);
    const payload = new Uint8Array(int8.encodedBytes).fill(1);
    payload[1] = scaleByteMax + 1;
    const refusal = expect.objectContaining({ code: 'badRequest' });
    const target = new Float32Array(300);
    const accumulator = new Float64Array(300);
    expect(() => int8.decode(payload, 0, target)).toThrow(refusal);
    expect(() => int8.squaredNorm(payload, 0)).toThrow(refusal);
    expect(() => int8.decodeAndAccumulate(payload, 0, accumulator, 1)).toThrow(refusal);
    expect(target.every((value) => value === 0) && accumulator.every((value) => value === 0)).toBe(true);
  });

  test('gives finite values for every payload that it takes', () => {
    const scaleBytes = fc.integer({ min: 0, max: scaleByteMax });
    fc.assert(
      fc.property(scaleBytes, fc.uint8Array({ maxLength: 256, minLength: 1 }), (scaleByte, codes) => {
        const payload = Uint8Array.of(scaleByte, ...codes);
        const int8 = int8For(codes.length);
        const target = new Float32Array(codes.length);
        int8.decode(payload, 0, target);
        expect(target.every(Number.isFinite)).toBe(true);
        const squares = target.reduce((sum, value) => sum + value * value, 0);
        expect(int8.squaredNorm(payload, 0) / (squares || 1)).toBeCloseTo(squares === 0 ? 0 : 1, 10);
      }),
    );
  });
});
