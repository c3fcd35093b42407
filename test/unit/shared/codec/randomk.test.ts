import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { chunkLength } from '../../../../shared/codec/chunks.ts';
import { scaleByteMax } from '../../../../shared/codec/int8-scale.ts';
import { createRandomPositions } from '../../../../shared/codec/random-positions.ts';
import { createRandomk } from '../../../../shared/codec/randomk.ts';
import { gradientLike } from './support/vectors.ts';

const codecFor = (k: number, length: number) => createRandomk({ kind: 'randomk', k }, { length });

describe('positions', () => {
  test.each([
    [4_096, 64],
    [4_096, 4_096],
    [10, 3],
    [1, 1],
  ])('of a chunk of %d values, %d: inside it, and all different', (length, count) => {
    const draw = createRandomPositions(5);
    for (const chunk of [0, 1, 70]) {
      const drawn = [...draw(chunk, length, count).subarray(0, count)];
      expect(new Set(drawn).size).toBe(count);
      expect(drawn.every((offset) => offset < length)).toBe(true);
    }
  });

  test('are drawn alike everywhere, and every chunk alone', () => {
    const draw = createRandomPositions(9);
    draw(0, 4_096, 100);
    const drawn = [...draw(3, 4_096, 5).subarray(0, 5)];
    expect([...createRandomPositions(9)(3, 4_096, 5).subarray(0, 5)]).toEqual(drawn);
    expect(drawn).toMatchInlineSnapshot(`
      [
        1325,
        1695,
        2416,
        1558,
        3297,
      ]
    `);
  });

  test('come up equally often', () => {
    const counts = new Float64Array(40);
    for (let seed = 0; seed < 10_000; seed++) {
      const drawn = createRandomPositions(seed)(seed % 7, 40, 4);
      for (let index = 0; index < 4; index++) counts[drawn[index]!]!++;
    }
    // 1,000 each are expected, with a deviation of 30.
    expect(Math.max(...counts)).toBeLessThan(1_180);
    expect(Math.min(...counts)).toBeGreaterThan(820);
  });
});

describe('encode', () => {
  test('gives these very bytes', () => {
    const long = codecFor(65, 9_000).encode(gradientLike(9_000, 1), 42);
    expect(createHash('sha256').update(long).digest('hex')).toMatchInlineSnapshot(
      `"a9b232eba24c9bf86e12ce0ee9c0e3677a2418843b5e494cb90715d77f219cf4"`,
    );
    expect([...codecFor(9, 3).encode(Float32Array.of(127, 127, 127), 1)]).toEqual([40, 127, 127, 127]);
  });

  test('takes a byte for a value and one for a chunk', () => {
    expect([1, 64, 4_096, 4_097, 8_192].map((length) => codecFor(64, length).encodedBytes)).toEqual([
      2, 65, 65, 67, 130,
    ]);
  });

  test('keeps what it draws to within half a step, and nothing else', () => {
    const values = gradientLike(2 * chunkLength, 3);
    const codec = codecFor(64, values.length);
    const decoded = new Float32Array(values.length);
    codec.decode(codec.encode(values, 11), 11, decoded);
    const draw = createRandomPositions(11);
    for (const chunk of [0, 1]) {
      const start = chunk * chunkLength;
      const drawn = new Set([...draw(chunk, chunkLength, 64).subarray(0, 64)]);
      const largest = Math.max(...[...drawn].map((offset) => Math.abs(values[start + offset]!)));
      for (let offset = 0; offset < chunkLength; offset++) {
        const back = decoded[start + offset]!;
        if (!drawn.has(offset)) expect(back).toBe(0);
        else expect(Math.abs(back - values[start + offset]!)).toBeLessThanOrEqual(largest / 126);
      }
    }
  });

  test('each value comes to be sent in its turn: the mean over seeds is k / n of the vector', () => {
    const values = Float32Array.from({ length: 16 }, (_, index) => (index % 2 === 0 ? 1 : -0.5));
    const codec = codecFor(4, 16);
    const sums = new Float64Array(16);
    const decoded = new Float32Array(16);
    for (let seed = 0; seed < 4_000; seed++) {
      codec.decode(codec.encode(values, seed), seed, decoded);
      for (let index = 0; index < 16; index++) sums[index]! += decoded[index]!;
    }
    sums.forEach((sum, index) => {
      expect(Math.abs(sum / 4_000 - values[index]! / 4)).toBeLessThan(0.05);
    });
  });
});

test('another seed puts the values elsewhere, with the same norm', () => {
  const codec = codecFor(8, 500);
  const payload = codec.encode(gradientLike(500, 1), 1);
  const [one, other] = [1, 2].map((seed) => {
    const target = new Float32Array(500);
    codec.decode(payload, seed, target);
    return target;
  });
  expect(one).not.toEqual(other);
  expect(one?.toSorted()).toEqual(other?.toSorted());
  expect(codec.squaredNorm(payload, 1)).toBe(codec.squaredNorm(payload, 2));
});

test('a scale off the grid is refused, in any chunk', () => {
  const codec = codecFor(4, 5_000);
  const payload = codec.encode(gradientLike(5_000, 1), 1);
  payload[5] = scaleByteMax + 1;
  const accumulator = new Float64Array(5_000);
  const refusal = expect.objectContaining({ code: 'badRequest', field: 'payload' });
  expect(() => codec.decode(payload, 1, new Float32Array(5_000))).toThrow(refusal);
  expect(() => codec.squaredNorm(payload, 1)).toThrow(refusal);
  expect(() => codec.decodeAndAccumulate(payload, 1, accumulator, 1)).toThrow(refusal);
  expect(accumulator.every((value) => value === 0)).toBe(true);
});
