import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CodecSpec } from '../../../../shared/codec/codec-spec.ts';
import { createCodec } from '../../../../shared/codec/codecs.ts';
import { accumulate } from '../../../../shared/tensor/grid.ts';
import { createManifest } from '../../../../shared/tensor/manifest.ts';
import { named } from './support/specs.ts';

const manifest = createManifest([
  { name: 'kernel', shape: [65, 9] },
  { name: 'moving', shape: [7], role: 'statistic' },
  { name: 'filter', shape: [3, 3, 2, 5] },
  { name: 'bias', shape: [5] },
]);
const { length } = manifest;
const specs: readonly CodecSpec[] = [
  { kind: 'powersgd', rank: 1 },
  { kind: 'powersgd', rank: 4 },
  { kind: 'demo', k: 1, momentum: 0.9 },
  { kind: 'demo', k: 512, momentum: 0 },
];
const sizes = fc.constantFrom(1, 1e-9, 1e9);
const vectors = fc
  .tuple(fc.float32Array({ noNaN: true, min: -1, max: 1, minLength: length, maxLength: length }), sizes)
  .map(([values, size]) => values.map((value) => value * size));

function shifted(payload: Uint8Array, shift: number): Uint8Array {
  const bytes = new Uint8Array(payload.byteLength + shift);
  bytes.set(payload, shift);
  return bytes.subarray(shift);
}

describe.each(named(specs))('%s', (_, spec) => {
  const codec = createCodec(spec, manifest);

  test('accumulates and measures exactly what it decodes, from any alignment', () => {
    const weights = fc.integer({ min: 1, max: 1_024 });
    fc.assert(
      fc.property(vectors, fc.nat(), weights, fc.nat({ max: 3 }), (values, seed, weight, shift) => {
        const payload = shifted(codec.encode(values, seed), shift);
        expect(payload.length).toBe(codec.encodedBytes);
        const decoded = new Float32Array(length).fill(9);
        codec.decode(payload, seed, decoded);
        const expected = new Float64Array(length).fill(0.25);
        accumulate(expected, decoded, weight);
        const accumulator = new Float64Array(length).fill(0.25);
        codec.decodeAndAccumulate(payload, seed, accumulator, weight);
        expect(accumulator).toEqual(expected);
        const squares = decoded.reduce((sum, value) => sum + value * value, 0);
        expect(Math.abs(codec.squaredNorm(payload, seed) - squares)).toBeLessThanOrEqual(1e-12 * squares);
      }),
      { numRuns: 30 },
    );
  });

  test('gives the same bytes for the same vector and seed', () => {
    const values = Float32Array.from({ length }, (_value, index) => Math.sin(index * index));
    expect(codec.encode(values, 3)).toEqual(createCodec(spec, manifest).encode(values, 3));
  });

  test('refuses vectors that are not finite, or too large for its scales', () => {
    for (const bad of [Number.NaN, Number.NEGATIVE_INFINITY, 3e38]) {
      expect(() => codec.encode(new Float32Array(length).fill(bad), 0)).toThrow(
        expect.objectContaining({ code: 'notFinite' }),
      );
    }
  });
});
