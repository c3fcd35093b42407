import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GradswarmError } from '../../../../shared/base/errors.ts';
import { createRandom } from '../../../../shared/base/random.ts';
import { createCodecs, createFlatCodec } from '../../../../shared/codec/codecs.ts';
import { applyUpdate, encodeUpdate } from '../../../../shared/codec/published-update.ts';
import { accumulate } from '../../../../shared/tensor/grid.ts';
import { createManifest } from '../../../../shared/tensor/manifest.ts';
import { downSpecs, named, statelessSpecs } from './support/specs.ts';
import { differenceOf, gradientLike, seeds, squaredNormOf, vectors } from './support/vectors.ts';

function shifted(payload: Uint8Array, shift: number): Uint8Array {
  const bytes = new Uint8Array(payload.byteLength + shift);
  bytes.set(payload, shift);
  return bytes.subarray(shift);
}

/** The calmer, the fewer bits are set: so some payloads are good, and most are bad in few places. */
function randomBytes(length: number, seed: number, calm: number): Uint8Array {
  const random = createRandom(seed);
  return Uint8Array.from({ length }, () =>
    calm > 0 && random.below(1 << (2 * calm)) !== 0 ? 0 : random.uint32() & 255,
  );
}

describe.each(named(statelessSpecs))('%s', (_, spec) => {
  test('accumulates exactly what it decodes, from any alignment', () => {
    fc.assert(
      fc.property(
        vectors,
        seeds,
        fc.integer({ min: 1, max: 1_024 }),
        fc.nat({ max: 3 }),
        (values, seed, weight, shift) => {
          const codec = createFlatCodec(spec, values.length);
          const payload = shifted(codec.encode(values, seed), shift);
          const decoded = new Float32Array(values.length);
          codec.decode(payload, seed, decoded);
          const expected = new Float64Array(values.length).fill(0.25);
          accumulate(expected, decoded, weight);
          const accumulator = new Float64Array(values.length).fill(0.25);
          codec.decodeAndAccumulate(payload, seed, accumulator, weight);
          expect(accumulator).toEqual(expected);
          if (codec.lossless) expect(decoded).toEqual(values);
        },
      ),
    );
  });

  test('measures the norm of what it decodes', () => {
    fc.assert(
      fc.property(vectors, seeds, (values, seed) => {
        const codec = createFlatCodec(spec, values.length);
        const payload = codec.encode(values, seed);
        const decoded = new Float32Array(values.length);
        codec.decode(payload, seed, decoded);
        const plain = decoded.reduce((sum, value) => sum + value * value, 0);
        expect(Math.abs(codec.squaredNorm(payload, seed) - plain)).toBeLessThanOrEqual(1e-12 * plain);
      }),
    );
  });

  test('refuses vectors that are not finite', () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => createFlatCodec(spec, 2).encode(Float32Array.of(1, bad), 0)).toThrow(
        expect.objectContaining({ code: 'notFinite' }),
      );
    }
  });

  test('refuses payloads of another length', () => {
    const codec = createFlatCodec(spec, 8);
    for (const bytes of [codec.encodedBytes - 1, codec.encodedBytes + 1]) {
      const payload = new Uint8Array(bytes);
      for (const read of [
        () => codec.decode(payload, 0, new Float32Array(8)),
        () => codec.squaredNorm(payload, 0),
        () => codec.decodeAndAccumulate(payload, 0, new Float64Array(8), 1),
      ]) {
        expect(read).toThrow(expect.objectContaining({ code: 'wrongLength' }));
      }
    }
  });

  test('gives the same bytes for the same seed, of the length that it announces', () => {
    const values = gradientLike(5_000, 3);
    const codec = createFlatCodec(spec, values.length);
    const payload = codec.encode(values, 7);
    expect(payload.byteLength).toBe(codec.encodedBytes);
    expect(createFlatCodec(spec, values.length).encode(values.slice(), 7)).toEqual(payload);
  });

  test('reads a view inside a larger vector', () => {
    const whole = gradientLike(9_000, 4);
    const part = whole.subarray(100, 8_500);
    const codec = createFlatCodec(spec, part.length);
    expect(codec.encode(part, 5)).toEqual(codec.encode(part.slice(), 5));
  });

  test('leaves no more than there was: what it decodes is no further from the vector than nothing', () => {
    for (const length of [1, 7, 255, 4_096, 4_097, 10_000]) {
      const values = gradientLike(length, length);
      const codec = createFlatCodec(spec, length);
      const decoded = new Float32Array(length);
      codec.decode(codec.encode(values, 1), 1, decoded);
      expect(squaredNormOf(differenceOf(values, decoded))).toBeLessThanOrEqual(squaredNormOf(values));
    }
  });

  test('takes an arbitrary payload whole, or refuses it by a code and writes nothing', () => {
    const lengths = fc.constantFrom(1, 2, 5, 63, 64, 65, 300, 4_097);
    const codes = ['badRequest', 'notFinite'];
    fc.assert(
      fc.property(lengths, seeds, fc.nat({ max: 3 }), (length, seed, calm) => {
        const codec = createFlatCodec(spec, length);
        const bytes = randomBytes(codec.encodedBytes, seed, calm);
        const target = new Float32Array(length + 2).fill(7);
        const accumulator = new Float64Array(length + 2).fill(7);
        try {
          codec.decode(bytes, seed, target.subarray(1, length + 1));
        } catch (error) {
          expect(codes).toContain((error as GradswarmError).code);
          expect(error).toBeInstanceOf(GradswarmError);
          expect(() => codec.squaredNorm(bytes, seed)).toThrow(GradswarmError);
          // What is not finite is only asked of payloads that have passed `squaredNorm`.
          if (spec.kind !== 'float32') {
            const inner = accumulator.subarray(1, length + 1);
            expect(() => codec.decodeAndAccumulate(bytes, seed, inner, 1)).toThrow(GradswarmError);
          }
          expect(target.every((value) => value === 7)).toBe(true);
          expect(accumulator.every((value) => value === 7)).toBe(true);
          return;
        }
        expect(target.every(Number.isFinite)).toBe(true);
        expect(Number.isFinite(codec.squaredNorm(bytes, seed))).toBe(true);
        codec.decodeAndAccumulate(bytes, seed, accumulator.subarray(1, length + 1), 1);
        expect([target[0], target[length + 1], accumulator[0], accumulator[length + 1]]).toEqual([
          7, 7, 7, 7,
        ]);
      }),
      { numRuns: 300 },
    );
  });

  test('takes an empty vector', () => {
    const codec = createFlatCodec(spec, 0);
    expect(codec.encode(new Float32Array(0), 0)).toEqual(new Uint8Array(0));
    expect(codec.squaredNorm(new Uint8Array(0), 0)).toBe(0);
  });
});

describe('float32', () => {
  const float32 = createFlatCodec({ kind: 'float32' }, 2);

  test('is the little-endian bytes', () => {
    expect([...float32.encode(Float32Array.of(1, -2.5), 0)]).toEqual([0, 0, 128, 63, 0, 0, 32, 192]);
  });

  test('refuses NaN and infinities in a payload and writes nothing', () => {
    const payload = new Uint8Array(Float32Array.of(1, Number.NaN).buffer);
    const target = new Float32Array(2);
    expect(() => float32.decode(payload, 0, target)).toThrow(expect.objectContaining({ code: 'notFinite' }));
    expect(target).toEqual(new Float32Array(2));
  });
});

test('codecs of one manifest are made once', () => {
  const codecs = createCodecs(createManifest([{ name: 'vector', shape: [4] }]));
  expect(codecs('int8')).toBe(codecs('int8'));
  expect(codecs('int8').encodedBytes).toBe(5);
  expect(() => codecs('gzip')).toThrow(expect.objectContaining({ code: 'wrongCodec' }));
});

describe('published updates', () => {
  test('float32 gives the workers the parameters', () => {
    const float32 = createFlatCodec({ kind: 'float32' }, 2);
    const published = Float32Array.of(9, 9);
    applyUpdate(float32, published, encodeUpdate(float32, Float32Array.of(1, 2), published, 0));
    expect(published).toEqual(Float32Array.of(1, 2));
  });

  test('int8 closes in on parameters that stand still', () => {
    const int8 = createFlatCodec({ kind: 'int8' }, 700);
    const parameters = Float32Array.from(
      { length: 700 },
      (_, index) => Math.fround((index * 37) % 101) / 50 - 1,
    );
    const published = new Float32Array(700);
    let distance = Number.POSITIVE_INFINITY;
    for (let version = 0; version < 8 && distance > 0; version++) {
      applyUpdate(int8, published, encodeUpdate(int8, parameters, published, version));
      const next = published.reduce(
        (max, value, index) => Math.max(max, Math.abs(value - parameters[index]!)),
        0,
      );
      expect(next).toBeLessThanOrEqual(distance / 30);
      distance = next;
    }
    expect(distance).toBe(0);
  });

  test.each(named(downSpecs))('replicas over %s apply the same bits, and come to rest', (_, spec) => {
    const length = 700;
    const codec = createFlatCodec(spec, length);
    const parameters = gradientLike(length, 1);
    const published = new Float32Array(length);
    const replicas = [published.slice(), published.slice()];
    for (let version = 0; version < 60; version++) {
      // Twenty steps of training, then it stands still.
      const step = gradientLike(length, version + 2);
      for (let index = 0; version < 20 && index < length; index++) parameters[index]! += 0.1 * step[index]!;
      const update = encodeUpdate(codec, parameters, published, version);
      applyUpdate(codec, published, update);
      for (const replica of replicas) {
        applyUpdate(createFlatCodec(spec, length), replica, update.slice());
        expect(replica).toEqual(published);
      }
    }
    const gap = squaredNormOf(differenceOf(parameters, published));
    expect(gap).toBeLessThan(0.02 * squaredNormOf(parameters));
  });

  test('a refused update leaves the vector alone', () => {
    const published = Float32Array.of(1, 2);
    const int8 = createFlatCodec({ kind: 'int8' }, 2);
    expect(() => applyUpdate(int8, published, Uint8Array.of(255, 1, 1))).toThrow(
      expect.objectContaining({ code: 'badRequest' }),
    );
    expect(published).toEqual(Float32Array.of(1, 2));
  });
});
