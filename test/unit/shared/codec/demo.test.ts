import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { createDemo } from '../../../../shared/codec/demo.ts';
import { createManifest } from '../../../../shared/tensor/manifest.ts';

const manifest = createManifest([
  { name: 'kernel', shape: [70, 130] },
  { name: 'bias', shape: [130] },
  { name: 'scale', shape: [] },
  { name: 'moving', shape: [6], role: 'statistic' },
  { name: 'filter', shape: [3, 3, 1, 8] },
  { name: 'none', shape: [0] },
]);
const { length } = manifest;
const demo = (k: number, shapes = manifest) => createDemo({ kind: 'demo', k, momentum: 0.9 }, shapes);
const waves = Float32Array.from({ length }, (_, index) => Math.sin(index * index) / 100);

function squares(values: ArrayLike<number>): number {
  return Array.from(values).reduce((sum, value) => sum + value * value, 0);
}

function decode(codec: ReturnType<typeof demo>, payload: Uint8Array): Float32Array {
  const decoded = new Float32Array(length).fill(7);
  codec.decode(payload, 0, decoded);
  return decoded;
}

test('the length is that of positions, signs and scales', () => {
  // Tiles of the kernel: 64 x 64 twice, 64 x 2, 6 x 64 twice, 6 x 2; of the bias 64, 64 and 2; the scale; the filter.
  const areas = [4_096, 4_096, 128, 384, 384, 12, 64, 64, 2, 1, 72];
  const bits = areas.reduce(
    (sum, area) => sum + Math.ceil((32 * area) / 4_096) * (Math.ceil(Math.log2(area)) + 1),
    0,
  );
  expect(demo(32).encodedBytes).toBe(6 * 4 + areas.length + Math.ceil(bits / 8));
});

test('with every coefficient kept, all signs are right', () => {
  const shapes = createManifest([{ name: 'tile', shape: [8, 8] }]);
  const codec = demo(4_096, shapes);
  const values = Float32Array.from({ length: 64 }, (_, index) => Math.sin(index * index));
  const decoded = new Float32Array(64);
  codec.decode(codec.encode(values, 0), 0, decoded);
  // Coefficients of one size have the norm of that many times the size.
  const scale = Math.sqrt(squares(decoded) / 64);
  expect(Math.log2(scale)).toBeCloseTo(Math.round(Math.log2(scale)), 6);
  const product = values.reduce((sum, value, index) => sum + value * decoded[index]!, 0);
  expect(product).toBeGreaterThan(0.7 * Math.sqrt(squares(values) * squares(decoded)));
});

test('an encoding leaves less than there was', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(1, 40, 4_096),
      fc.float32Array({ noNaN: true, min: -1, max: 1, minLength: length, maxLength: length }),
      (k, values) => {
        const codec = demo(k);
        const decoded = decode(codec, codec.encode(values, 0));
        const rest = squares(values.map((value, index) => value - decoded[index]!));
        // Every tile loses some of what it had, unless that is below the grid.
        expect(rest).toBeLessThanOrEqual(squares(values) * (1 - 1 / 8_192) + 1e-12);
      },
    ),
    { numRuns: 20 },
  );
});

test('a smooth matrix takes few coefficients', () => {
  const shapes = createManifest([{ name: 'tile', shape: [64, 64] }]);
  const codec = demo(1, shapes);
  const values = new Float32Array(4_096).fill(0.25);
  const decoded = new Float32Array(4_096);
  codec.decode(codec.encode(values, 0), 0, decoded);
  for (const value of decoded) expect(value).toBeCloseTo(0.25, 6);
});

test('zeros decode to zeros, and statistics arrive as they are', () => {
  const codec = demo(64);
  expect(squares(decode(codec, codec.encode(new Float32Array(length), 0)))).toBe(0);
  const moving = manifest.tensors.find(({ name }) => name === 'moving')!;
  const part = (values: Float32Array): Float32Array => values.subarray(moving.offset, moving.offset + 6);
  expect(part(decode(codec, codec.encode(waves, 0)))).toEqual(part(waves));
});

test('the bytes are these', () => {
  const codec = demo(1_024, createManifest([{ name: 'matrix', shape: [4, 4] }]));
  const values = Float32Array.of(1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1, 3);
  const payload = codec.encode(values, 0);
  expect([...payload]).toEqual([42, 65, 197, 9]);
  const decoded = new Float32Array(16);
  codec.decode(payload, 0, decoded);
  expect([...decoded.subarray(0, 4)]).toEqual([
    0.5829553604125977, 0.46563878655433655, 0.2997280955314636, 0.18241152167320251,
  ]);
});

describe('a payload', () => {
  const codec = demo(32);
  const payload = codec.encode(waves, 0);
  const scalesAt = 6 * 4;
  const bitsAt = scalesAt + 11;

  it('is refused with positions repeated or outside, scales off the grid, bits behind the end', () => {
    const repeated = payload.slice();
    repeated.fill(0, bitsAt, bitsAt + 3);
    const badScale = payload.slice();
    badScale[scalesAt + 10] = 200;
    const trailing = payload.slice();
    trailing[trailing.length - 1]! |= 0x80;
    const target = new Float32Array(length);
    for (const bad of [repeated, badScale, trailing]) {
      const refusal = expect.objectContaining({ code: 'badRequest' });
      expect(() => codec.decode(bad, 0, target)).toThrow(refusal);
      expect(() => codec.squaredNorm(bad, 0)).toThrow(refusal);
      expect(() => codec.decodeAndAccumulate(bad, 0, new Float64Array(length), 1)).toThrow(refusal);
    }
    expect(target).toEqual(new Float32Array(length));
    const outside = createDemo(
      { kind: 'demo', k: 1, momentum: 0 },
      createManifest([{ name: 'row', shape: [3] }]),
    );
    expect(() => outside.squaredNorm(Uint8Array.of(40, 0b011), 0)).toThrow(/Position 3/);
  });

  it('of any content decodes to finite values, or is refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 8, maxLength: 8 }), fc.nat(), (bytes, place) => {
        const fuzzed = payload.slice();
        fuzzed.fill(161, scalesAt, bitsAt);
        fuzzed.set(bytes, place % (fuzzed.length - 8));
        const decoded = new Float32Array(length);
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
