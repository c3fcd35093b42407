import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createInt4, int4BlockLength } from '../../../../shared/codec/int4.ts';
import { scaleByteFor7, scaleByteMax, scales } from '../../../../shared/codec/int8-scale.ts';
import { gridStep } from '../../../../shared/tensor/grid.ts';
import { gradientLike, seeds, vectors } from './support/vectors.ts';

const codecFor = (length: number) => createInt4({ kind: 'int4' }, { length });

function roundTrip(values: Float32Array, seed: number): Float32Array {
  const codec = codecFor(values.length);
  const target = new Float32Array(values.length);
  codec.decode(codec.encode(values, seed), seed, target);
  return target;
}

test('scales are the smallest whose seven steps reach the magnitude', () => {
  fc.assert(
    fc.property(fc.float({ noNaN: true, min: 0, max: Math.fround(9e36) }), (magnitude) => {
      const byte = scaleByteFor7(new Uint32Array(Float32Array.of(magnitude).buffer)[0]!);
      expect(7 * scales[byte]!).toBeGreaterThanOrEqual(magnitude);
      if (byte > 0) expect(7 * scales[byte - 1]!).toBeLessThan(magnitude);
    }),
    { numRuns: 1_000 },
  );
});

describe('encode', () => {
  test('gives these very bytes', () => {
    expect([...codecFor(5).encode(Float32Array.of(0, 1, -1, 7, -7), 7)]).toEqual([40, 0x10, 0x7f, 0x09]);
    const long = codecFor(1_001).encode(gradientLike(1_001, 1), 42);
    expect(createHash('sha256').update(long).digest('hex')).toMatchInlineSnapshot(
      `"9907efd793ff04537d83e8152e067a921d1b62b1083fc6ef71453ca7b4a001ac"`,
    );
  });

  test('takes half a byte for a value and one for 64', () => {
    expect([1, 2, 63, 64, 65, 1_000].map((length) => codecFor(length).encodedBytes)).toEqual([
      2, 2, 33, 33, 35, 516,
    ]);
  });

  test('errs by less than one step of the block', () => {
    fc.assert(
      fc.property(vectors, seeds, (values, seed) => {
        const decoded = roundTrip(values, seed);
        for (let start = 0; start < values.length; start += int4BlockLength) {
          const block = values.subarray(start, start + int4BlockLength);
          const largest = block.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
          const step = Math.max(gridStep, (2 * largest) / 7);
          block.forEach((value, index) => {
            expect(Math.abs(decoded[start + index]! - value)).toBeLessThan(step);
          });
        }
      }),
    );
  });

  test('keeps values that are codes already', () => {
    const values = Float32Array.from({ length: 15 }, (_, index) => (index - 7) / 8);
    expect(roundTrip(values, 3)).toEqual(values);
  });

  test('is unbiased over seeds and over positions', () => {
    const fractions = [0.1, 0.5, 0.9, -0.3, 1 / 3];
    const values = Float32Array.from({ length: 64 }, (_, index) => fractions[index % fractions.length]!);
    values[63] = 7;
    const sums = new Float64Array(fractions.length);
    const counts = new Float64Array(fractions.length);
    for (let seed = 0; seed < 4_000; seed++) {
      const decoded = roundTrip(values, seed);
      for (let index = 0; index < 63; index++) {
        sums[index % fractions.length]! += decoded[index]!;
        counts[index % fractions.length]! += 1;
      }
    }
    // 48,000 draws each, with a deviation of 0.5 at most: 0.015 is more than six deviations of the mean.
    fractions.forEach((fraction, index) => {
      expect(Math.abs(sums[index]! / counts[index]! - fraction)).toBeLessThan(0.015);
    });
  });

  test('refuses values beyond its scales', () => {
    expect(() => codecFor(1).encode(Float32Array.of(1e37), 0)).toThrow(
      expect.objectContaining({ code: 'notFinite' }),
    );
  });
});

describe('decode', () => {
  test.each([
    ['a scale off the grid', [scaleByteMax + 1, 0x11, 0x01]],
    ['a code after the last value', [40, 0x11, 0x11]],
  ])('refuses %s', (_, bytes) => {
    const codec = codecFor(3);
    const payload = Uint8Array.from(bytes);
    const refusal = expect.objectContaining({ code: 'badRequest', field: 'payload' });
    expect(() => codec.decode(payload, 0, new Float32Array(3))).toThrow(refusal);
    expect(() => codec.squaredNorm(payload, 0)).toThrow(refusal);
    expect(() => codec.decodeAndAccumulate(payload, 0, new Float64Array(3), 1)).toThrow(refusal);
  });
});
