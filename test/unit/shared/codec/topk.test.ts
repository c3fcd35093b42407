import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chunkLength } from '../../../../shared/codec/chunks.ts';
import { createTopSelection } from '../../../../shared/codec/top-selection.ts';
import { createTopk } from '../../../../shared/codec/topk.ts';
import { zeroScaleByteMax } from '../../../../shared/codec/zero-scale.ts';
import { differenceOf, gradientLike, squaredNormOf } from './support/vectors.ts';

const codecFor = (k: number, valueBits: 2 | 4 | 8, length: number) =>
  createTopk({ kind: 'topk', k, valueBits }, { length });

function roundTrip(k: number, valueBits: 2 | 4 | 8, values: Float32Array): Float32Array {
  const codec = codecFor(k, valueBits, values.length);
  const target = new Float32Array(values.length);
  codec.decode(codec.encode(values, 0), 0, target);
  return target;
}

/** By sorting everything: the k largest magnitudes, of equal ones the earlier. */
function sortedTop(values: Float32Array, k: number): number[] {
  const order = [...values.keys()].sort((a, b) => Math.abs(values[b]!) - Math.abs(values[a]!) || a - b);
  return order.slice(0, k).sort((a, b) => a - b);
}

describe('selection', () => {
  const values = fc.oneof(
    fc.float32Array({ noNaN: true, noDefaultInfinity: true, minLength: 1, maxLength: 500 }),
    fc.array(fc.constantFrom(0, -0, 1, -1, 1.01, -3, 3), { minLength: 1, maxLength: 500 }),
    fc.array(fc.float({ noNaN: true, min: 1, max: Math.fround(1.001) }), { minLength: 1, maxLength: 500 }),
  );

  test('is what sorting gives', () => {
    const selection = createTopSelection();
    fc.assert(
      fc.property(values, fc.integer({ min: 1, max: 520 }), fc.nat({ max: 9 }), (numbers, k, start) => {
        const vector = Float32Array.from(numbers);
        const begin = Math.min(start, vector.length - 1);
        const count = selection.select(new Int32Array(vector.buffer), begin, vector.length, k);
        expect([...selection.offsets.subarray(0, count)]).toEqual(sortedTop(vector.subarray(begin), k));
      }),
      { numRuns: 400 },
    );
  });

  test.each([1, 16, 64, 1_000, 4_095, 4_096])('takes %d of a whole chunk', (k) => {
    const vector = gradientLike(chunkLength, k);
    const selection = createTopSelection();
    const count = selection.select(new Int32Array(vector.buffer), 0, chunkLength, k);
    expect([...selection.offsets.subarray(0, count)]).toEqual(sortedTop(vector, k));
  });
});

describe('encode', () => {
  test('gives these very bytes', () => {
    const values = Float32Array.of(0.1, -1, 0, 2, 0.2, -0.1);
    // Offsets 1 and 3 at a scale of 1; the codes are -1 and +2.
    expect([...codecFor(2, 2, 6).encode(values, 0)]).toEqual([41, 0x01, 0x30, 0x00, 0b0110]);
    // Three offsets take four and a half bytes.
    expect([...codecFor(3, 8, 6).encode(values, 0)]).toEqual([
      35, 0x01, 0x30, 0x00, 0x04, 0x00, 191, 127, 12,
    ]);
    const long = codecFor(65, 4, 9_000).encode(gradientLike(9_000, 1), 0);
    expect(createHash('sha256').update(long).digest('hex')).toMatchInlineSnapshot(
      `"cc832b22e54dacd1a39408b35dfffd0d3ad6ef19c5394dde94a1ef40fef427dc"`,
    );
  });

  test.each([
    [64, 2, 4_096, 1 + 96 + 16],
    [64, 2, 4_097, 113 + 1 + 2 + 1],
    [65, 8, 8_192, 2 * (1 + 98 + 65)],
    [1, 4, 1, 1 + 2 + 1],
    [4_096, 8, 10, 1 + 15 + 10],
  ] as const)('%d values of %d bits from %d values take %d bytes', (k, valueBits, length, bytes) => {
    expect(codecFor(k, valueBits, length).encodedBytes).toBe(bytes);
  });

  test('ends a chunk with zeros where fewer values are worth sending', () => {
    const values = new Float32Array(5_000);
    values[4_095] = -1;
    const codec = codecFor(4, 2, 5_000);
    const payload = codec.encode(values, 0);
    // At half a unit, so that minus one is the second step.
    expect([...payload]).toEqual([40, 0xff, 0x0f, 0, 0, 0, 0, 0b11, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect(roundTrip(4, 2, values)).toEqual(values);
  });

  test.each([
    [2, 0.5],
    [4, 0.125],
    [8, 1 / 128],
  ] as const)('with %d bits leaves of what it selects a small part', (valueBits, part) => {
    const k = 64;
    const values = gradientLike(3 * chunkLength, 5);
    const decoded = roundTrip(k, valueBits, values);
    for (let start = 0; start < values.length; start += chunkLength) {
      const chunk = values.subarray(start, start + chunkLength);
      const top = sortedTop(chunk, k);
      const largest = Math.max(...top.map((offset) => Math.abs(chunk[offset]!)));
      const kept = new Set(top);
      let error = 0;
      let norm = 0;
      chunk.forEach((value, offset) => {
        const back = decoded[start + offset]!;
        if (!kept.has(offset)) expect(back).toBe(0);
        else {
          error += (value - back) ** 2;
          norm += value * value;
          if (valueBits === 8) expect(Math.abs(value - back)).toBeLessThanOrEqual(largest * part);
        }
      });
      expect(error).toBeLessThan(part * part * norm);
    }
  });

  test('what is left is no more than k of n would leave at random, and a half', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e6 }), fc.constantFrom(2, 4, 8), (seed, valueBits) => {
        const values = gradientLike(4_500, seed);
        const left = squaredNormOf(differenceOf(values, roundTrip(64, valueBits as 2 | 4 | 8, values)));
        expect(left).toBeLessThanOrEqual((1 - 64 / 4_096 / 2) * squaredNormOf(values));
      }),
      { numRuns: 20 },
    );
  });

  test('cuts off what lies beyond its scales', () => {
    expect(Math.abs(roundTrip(1, 8, Float32Array.of(3e38))[0]!)).toBe(2 ** 127);
    expect(roundTrip(1, 8, Float32Array.of(2 ** -42))[0]).toBe(0);
  });
});

describe('decode', () => {
  // Two of six values: scale, offsets 1 and 3, codes.
  const good = [41, 0x01, 0x30, 0x00, 0b0110];
  const changed = (at: number, byte: number) => good.map((value, index) => (index === at ? byte : value));
  test.each([
    ['a scale off the grid', changed(0, zeroScaleByteMax + 1)],
    ['offsets in a chunk of zeros', changed(0, 0)],
    ['a repeated offset', changed(2, 0x10)],
    ['unsorted offsets', [41, 0x03, 0x10, 0x00, 0b0110]],
    ['an offset out of range', changed(2, 0x60)],
    ['an offset far out of range', changed(3, 0xff)],
    ['a code after the last entry', [41, 0x01, 0x00, 0x00, 0b0110]],
    ['bits after the last code', changed(4, 0x16)],
  ])('refuses %s', (_, bytes) => {
    const codec = codecFor(2, 2, 6);
    const payload = Uint8Array.from(bytes);
    const refusal = expect.objectContaining({ code: 'badRequest', field: 'payload' });
    const target = new Float32Array(6).fill(1);
    const accumulator = new Float64Array(6).fill(1);
    expect(() => codec.decode(payload, 0, target)).toThrow(refusal);
    expect(() => codec.squaredNorm(payload, 0)).toThrow(refusal);
    expect(() => codec.decodeAndAccumulate(payload, 0, accumulator, 1)).toThrow(refusal);
    expect([...target, ...accumulator].every((value) => value === 1)).toBe(true);
  });

  test('refuses the half byte after an odd number of offsets', () => {
    const codec = codecFor(1, 8, 6);
    expect(codec.squaredNorm(Uint8Array.of(41, 5, 0, 1), 0)).toBe(4);
    expect(() => codec.squaredNorm(Uint8Array.of(41, 5, 0x10, 1), 0)).toThrow(
      expect.objectContaining({ code: 'badRequest' }),
    );
  });

  test('a bad last chunk leaves the first alone', () => {
    const codec = codecFor(8, 4, 2 * chunkLength);
    const payload = codec.encode(gradientLike(2 * chunkLength, 2), 0);
    payload[payload.length / 2] = 255;
    const accumulator = new Float64Array(2 * chunkLength);
    expect(() => codec.decodeAndAccumulate(payload, 0, accumulator, 1)).toThrow(/off the grid/);
    expect(accumulator.every((value) => value === 0)).toBe(true);
  });
});
