import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { createEncoder } from '../../../../shared/codec/encoder.ts';
import { createPowersgd } from '../../../../shared/codec/powersgd.ts';
import { createManifest, type ParameterManifest } from '../../../../shared/tensor/manifest.ts';

const manifest = createManifest([
  { name: 'kernel', shape: [3, 4, 20] },
  { name: 'bias', shape: [20] },
  { name: 'scale', shape: [] },
  { name: 'head', shape: [20, 30] },
  { name: 'moving', shape: [8, 8], role: 'statistic' },
  { name: 'small', shape: [2, 2] },
  { name: 'none', shape: [0, 5] },
]);

function powersgd(rank: number, shapes: ParameterManifest = manifest) {
  return createPowersgd({ kind: 'powersgd', rank }, shapes);
}

/** Sum of `rank` outer products. */
function lowRank(rows: number, columns: number, rank: number): Float32Array {
  return Float32Array.from({ length: rows * columns }, (_, index) => {
    const [row, column] = [Math.floor(index / columns), index % columns];
    let sum = 0;
    for (let r = 1; r <= rank; r++) sum += Math.sin(row * r * r + r) * Math.cos(column * (r + 0.3)) * 0.01;
    return sum;
  });
}

function squares(values: ArrayLike<number>): number {
  return Array.from(values).reduce((sum, value) => sum + value * value, 0);
}

function errorOf(codec: ReturnType<typeof powersgd>, payload: Uint8Array, values: Float32Array): number {
  const decoded = new Float32Array(values.length);
  codec.decode(payload, 0, decoded);
  return Math.sqrt(squares(values.map((value, index) => value - decoded[index]!)) / squares(values));
}

test('the length is that of both factors, and of what has none', () => {
  const factored = [12 + 20, 20 + 30].reduce((sum, sides) => sum + 2 * 2 * sides + 2, 0);
  expect(powersgd(2).encodedBytes).toBe(factored + 4 * (20 + 1 + 64 + 4));
  expect(powersgd(64).encodedBytes).toBeLessThanOrEqual(4 * manifest.length);
});

test('a matrix of that rank comes through with rounding errors only', () => {
  const shapes = createManifest([{ name: 'matrix', shape: [40, 30] }]);
  for (const rank of [1, 3]) {
    const codec = powersgd(rank, shapes);
    const values = lowRank(40, 30, rank);
    expect(errorOf(codec, codec.encode(values, 3), values)).toBeLessThan(2e-4);
  }
});

test('an encoding leaves less than there was, and a warm start less than a cold one', () => {
  const shapes = createManifest([{ name: 'matrix', shape: [40, 30] }]);
  const codec = powersgd(2, shapes);
  const values = Float32Array.from({ length: 1_200 }, (_, index) => Math.sin(index * index) / 50);
  const encode = codec.startEncoding?.() ?? codec.encode;
  const cold = errorOf(codec, encode(values, 1), values);
  let warm = cold;
  for (let seed = 2; seed < 20; seed++) warm = errorOf(codec, encode(values, seed), values);
  expect(cold).toBeLessThan(1);
  expect(warm).toBeLessThan(cold);
  expect(codec.encode(values, 1)).toEqual(codec.encode(values, 1));
});

test('vectors, statistics and small matrices arrive as they are', () => {
  const codec = powersgd(2);
  const values = Float32Array.from({ length: manifest.length }, (_, index) => Math.sin(index));
  const decoded = new Float32Array(manifest.length);
  codec.decode(codec.encode(values, 9), 9, decoded);
  for (const { name, offset, length } of manifest.tensors) {
    if (name === 'kernel' || name === 'head') continue;
    expect(decoded.subarray(offset, offset + length)).toEqual(values.subarray(offset, offset + length));
  }
});

test('a matrix that was zero is learned again', () => {
  const shapes = createManifest([{ name: 'matrix', shape: [16, 16] }]);
  const codec = powersgd(1, shapes);
  const encoder = createEncoder(codec);
  const zero = new Float32Array(256);
  const { payload } = encoder.encode(zero, 0);
  const decoded = new Float32Array(256).fill(9);
  codec.decode(payload, 0, decoded);
  expect(squares(decoded)).toBe(0);
  const values = lowRank(16, 16, 1);
  expect(errorOf(codec, encoder.encode(values, 1).payload, values)).toBeLessThan(2e-4);
});

test('the bytes are these', () => {
  const codec = powersgd(1, createManifest([{ name: 'matrix', shape: [4, 3] }]));
  const payload = codec.encode(Float32Array.of(1, 2, -1, 2, 4, -2, 0, 0, 0, -1, -2, 1), 7);
  expect([...payload]).toEqual([65, 52, 131, 104, 0, 0, 191, 203, 49, 39, 98, 78, 207, 216, 28]);
});

describe('a payload', () => {
  const codec = powersgd(2);
  const values = Float32Array.from({ length: manifest.length }, (_, index) => Math.sin(index * 7));
  const payload = codec.encode(values, 1);

  it('is refused with a scale off the grid, or with a plain value that is not finite', () => {
    const badScale = payload.slice();
    badScale[badScale.length - 1] = 255;
    const badFloat = payload.slice();
    badFloat.fill(255, 0, 4);
    const target = new Float32Array(manifest.length);
    for (const [bad, code] of [
      [badScale, 'badRequest'],
      [badFloat, 'notFinite'],
      [payload.subarray(1), 'wrongLength'],
    ] as const) {
      const refusal = expect.objectContaining({ code });
      expect(() => codec.decode(bad, 0, target)).toThrow(refusal);
      expect(() => codec.squaredNorm(bad, 0)).toThrow(refusal);
      expect(() => codec.decodeAndAccumulate(bad, 0, new Float64Array(manifest.length), 1)).toThrow(refusal);
    }
    expect(target).toEqual(new Float32Array(manifest.length));
  });

  it('of any content decodes to finite values, or is refused', () => {
    const extreme = payload.slice().fill(127, codec.encodedBytes - 4);
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 60, maxLength: 60 }), fc.nat(), (bytes, place) => {
        const fuzzed = extreme.slice();
        fuzzed.set(bytes, place % (fuzzed.length - 60));
        const decoded = new Float32Array(manifest.length);
        try {
          codec.decode(fuzzed, 0, decoded);
        } catch (error) {
          expect(error).toMatchObject({ name: 'GradswarmError' });
        }
        expect(decoded.every(Number.isFinite)).toBe(true);
      }),
    );
  });
});
