import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createSign, signBlockLength } from '../../../../shared/codec/sign.ts';
import { zeroScaleByteMax, zeroScales } from '../../../../shared/codec/zero-scale.ts';
import { gradientLike, squaredNormOf, vectors } from './support/vectors.ts';

const codecFor = (length: number) => createSign({ kind: 'sign' }, { length });

function roundTrip(values: Float32Array): Float32Array {
  const codec = codecFor(values.length);
  const target = new Float32Array(values.length);
  codec.decode(codec.encode(values, 0), 0, target);
  return target;
}

test('scales are zero and the powers of two from 2^-40 to 2^120', () => {
  expect([zeroScales[0], zeroScales[1], zeroScales[41]]).toEqual([0, 2 ** -40, 1]);
  expect(zeroScales[zeroScaleByteMax]).toBe(2 ** 120);
});

describe('encode', () => {
  test('gives these very bytes', () => {
    const values = Float32Array.of(1, -1, 0.5, -2, 0, -0, 3, -0.5, -1);
    expect([...codecFor(9).encode(values, 0)]).toEqual([41, 0b1000_1010, 1]);
    const long = codecFor(1_001).encode(gradientLike(1_001, 1), 0);
    expect(createHash('sha256').update(long).digest('hex')).toMatchInlineSnapshot(
      `"f3433ed28c9bac223b15aa20c2af6204b70dbb83b8f801a3566b591f5fe817a4"`,
    );
  });

  test('takes one bit for a value and a byte for 256', () => {
    expect([1, 8, 9, 256, 257, 1_000].map((length) => codecFor(length).encodedBytes)).toEqual([
      2, 2, 3, 33, 35, 129,
    ]);
  });

  test('zeros stay zeros, whole blocks of them', () => {
    expect(roundTrip(new Float32Array(300))).toEqual(new Float32Array(300));
    expect(codecFor(1).encode(Float32Array.of(-(2 ** -42)), 0)).toEqual(Uint8Array.of(0, 0));
  });

  test('leaves of a block no more than its squared norm less 8/9 of count * mean²', () => {
    fc.assert(
      fc.property(vectors, (values) => {
        const decoded = roundTrip(values);
        for (let start = 0; start < values.length; start += signBlockLength) {
          const block = values.subarray(start, start + signBlockLength);
          const mean = block.reduce((sum, value) => sum + Math.abs(value), 0) / block.length;
          const error = block.reduce((sum, value, index) => sum + (value - decoded[start + index]!) ** 2, 0);
          const gain = mean < 0.75 * 2 ** -40 ? 0 : (8 / 9) * block.length * mean * mean;
          expect(error).toBeLessThanOrEqual((squaredNormOf(block) - gain) * (1 + 1e-12) + 1e-30);
        }
      }),
    );
  });

  test('takes the scale that no other power of two beats', () => {
    const error = (values: Float32Array, scale: number) =>
      values.reduce((sum, value) => sum + (Math.abs(value) - scale) ** 2, 0);
    for (let seed = 0; seed < 200; seed++) {
      const values = gradientLike(40, seed).map((value) => value * 1.05 ** seed);
      const scale = Math.abs(roundTrip(values)[0]!);
      for (const other of [scale / 2, scale * 2]) {
        expect(error(values, scale)).toBeLessThanOrEqual(error(values, other) * (1 + 1e-12));
      }
    }
  });
});

describe('decode', () => {
  test.each([
    ['a scale off the grid', [zeroScaleByteMax + 1, 0, 0]],
    ['a sign in a block of zeros', [0, 4, 0]],
    ['bits after the last value', [41, 0, 2]],
  ])('refuses %s', (_, bytes) => {
    const codec = codecFor(9);
    const payload = Uint8Array.from(bytes);
    const refusal = expect.objectContaining({ code: 'badRequest', field: 'payload' });
    expect(() => codec.decode(payload, 0, new Float32Array(9))).toThrow(refusal);
    expect(() => codec.squaredNorm(payload, 0)).toThrow(refusal);
    expect(() => codec.decodeAndAccumulate(payload, 0, new Float64Array(9), 1)).toThrow(refusal);
  });
});
