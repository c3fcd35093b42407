import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesOf, floatsOf } from '../../../../shared/tensor/bytes.ts';
import { isBounded, squaredNorm } from '../../../../shared/tensor/kernels.ts';

const floats = fc.float32Array({ noNaN: true, noDefaultInfinity: true, maxLength: 40 });

describe('squaredNorm', () => {
  test('is near the plain sum, over any part', () => {
    fc.assert(
      fc.property(floats, fc.nat({ max: 40 }), (values, cut) => {
        const part = values.subarray(0, cut);
        const plain = part.reduce((sum, value) => sum + value * value, 0);
        expect(squaredNorm(values, 0, part.length)).toBeCloseTo(plain, 5 - Math.log10(plain + 1));
      }),
    );
  });

  test('of integers is exact', () => {
    const values = Float32Array.from({ length: 103 }, (_, index) => index - 50);
    expect(squaredNorm(values)).toBe(values.reduce((sum, value) => sum + value * value, 0));
  });

  test('is finite exactly when the values are', () => {
    const largest = 3.4028234663852886e38;
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      for (let place = 0; place < 7; place++) {
        const values = new Float32Array(7).fill(largest);
        expect(Number.isFinite(squaredNorm(values))).toBe(true);
        values[place] = bad;
        expect(Number.isFinite(squaredNorm(values))).toBe(false);
      }
    }
  });
});

test('isBounded excludes the limit, infinities and NaN', () => {
  expect(isBounded(Float32Array.of(1, -1.5), 2)).toBe(true);
  expect(isBounded(Float32Array.of(1, -2), 2)).toBe(false);
  expect(isBounded(Float32Array.of(Number.NaN), 2)).toBe(false);
  expect(isBounded(Float32Array.of(3e38), Number.POSITIVE_INFINITY)).toBe(true);
  expect(isBounded(Float32Array.of(Number.NEGATIVE_INFINITY), Number.POSITIVE_INFINITY)).toBe(false);
});

describe('bytes', () => {
  test('are little-endian views', () => {
    const values = Float32Array.of(1, -2);
    expect([...bytesOf(values)]).toEqual([0, 0, 128, 63, 0, 0, 0, 192]);
    expect(bytesOf(values).buffer).toBe(values.buffer);
    expect(floatsOf(bytesOf(values)).buffer).toBe(values.buffer);
  });

  test('survive any alignment', () => {
    fc.assert(
      fc.property(floats, fc.nat({ max: 7 }), (values, shift) => {
        const shifted = new Uint8Array(values.byteLength + shift);
        shifted.set(bytesOf(values), shift);
        expect(floatsOf(shifted.subarray(shift))).toEqual(values);
      }),
    );
  });

  test('come in fours', () => {
    expect(() => floatsOf(new Uint8Array(6))).toThrow('Invariant');
  });
});
