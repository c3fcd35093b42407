import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { createDemo } from '../../../../shared/codec/demo.ts';
import { createEncoder } from '../../../../shared/codec/encoder.ts';
import { createInt8 } from '../../../../shared/codec/int8.ts';
import { createPowersgd } from '../../../../shared/codec/powersgd.ts';
import { createResidual } from '../../../../shared/codec/residual.ts';
import { createManifest } from '../../../../shared/tensor/manifest.ts';

const manifest = createManifest([
  { name: 'kernel', shape: [16, 12] },
  { name: 'bias', shape: [12] },
]);
const { length } = manifest;
const biased = {
  powersgd: () => createPowersgd({ kind: 'powersgd', rank: 2 }, manifest),
  demo: () => createDemo({ kind: 'demo', k: 256, momentum: 0 }, manifest),
};
/** Carries everything over, unlike the codec's own. */
const errorFeedback = () => createResidual(length);
const vectors = fc.float32Array({ noNaN: true, min: -1, max: 1, minLength: length, maxLength: length });
const steps = fc.array(fc.record({ update: vectors, isCounted: fc.boolean(), isLate: fc.boolean() }), {
  minLength: 1,
  maxLength: 8,
});

describe.each(Object.entries(biased))('error feedback with %s', (_name, createCodec) => {
  it('sends, in the end, what was counted', () => {
    fc.assert(
      fc.property(steps, (contributions) => {
        const codec = createCodec();
        const residual = errorFeedback();
        const encoder = createEncoder(codec, residual);
        const rest = new Float64Array(length);
        const late: (() => void)[] = [];
        for (const [seed, { update, isCounted, isLate }] of contributions.entries()) {
          const { payload, settle } = encoder.encode(update, seed);
          if (isLate) late.unshift(() => settle(isCounted));
          else settle(isCounted);
          if (!isCounted) continue;
          const decoded = new Float32Array(length);
          codec.decode(payload, seed, decoded);
          for (let index = 0; index < length; index++) rest[index]! += update[index]! - decoded[index]!;
        }
        for (const settle of late) settle();
        const carried = residual.plus(new Float32Array(length));
        for (let index = 0; index < length; index++) {
          expect(Math.abs(carried[index]! - rest[index]!)).toBeLessThan(1e-5);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('sends a gradient that stays the same, but for a rest that does not grow', () => {
    const residual = errorFeedback();
    const encoder = createEncoder(createCodec(), residual);
    const update = Float32Array.from({ length }, (_, index) => Math.sin(index * index));
    const norm = Math.sqrt(update.reduce((sum, value) => sum + value * value, 0));
    const steps = 1_000;
    for (let seed = 0; seed < steps; seed++) encoder.encode(update, seed).settle(true);
    expect(Math.sqrt(residual.squaredNorm())).toBeLessThan(25 * norm);
  });

  it('remembers nothing of a vector that is not finite', () => {
    const residual = errorFeedback();
    const encoder = createEncoder(createCodec(), residual);
    const bad = new Float32Array(length).fill(Number.POSITIVE_INFINITY);
    expect(() => encoder.encode(bad, 0)).toThrow(expect.objectContaining({ code: 'notFinite' }));
    expect(residual.squaredNorm()).toBe(0);
  });
});

test('an unbiased codec needs no state: the same bytes whatever came before', () => {
  const codec = createInt8({ kind: 'int8' }, { length: 4 });
  const encoder = createEncoder(codec);
  const update = Float32Array.of(0.1, -0.2, 0.3, 0.7);
  const first = encoder.encode(update, 5);
  encoder.encode(Float32Array.of(9, 9, 9, 9), 6).settle(true);
  first.settle(false);
  expect(encoder.encode(update, 5).payload).toEqual(first.payload);
  expect(first.payload).toEqual(codec.encode(update, 5));
});

test('encoders that share a residual carry on where the other stopped', () => {
  const residual = errorFeedback();
  const update = Float32Array.from({ length }, (_, index) => Math.cos(index * index));
  createEncoder(biased.powersgd(), residual).encode(update, 1).settle(true);
  const carried = residual.plus(new Float32Array(length)).slice();
  expect(residual.squaredNorm()).toBeGreaterThan(0.1);
  const codec = createInt8({ kind: 'int8' }, { length });
  const { payload } = createEncoder(codec, residual).encode(new Float32Array(length), 2);
  expect(payload).toEqual(codec.encode(carried, 2));
});

test('a momentum is the codec’s own', () => {
  const codec = createDemo({ kind: 'demo', k: 1, momentum: 0.5 }, manifest);
  const encoder = createEncoder(codec);
  const update = Float32Array.from({ length }, (_, index) => Math.cos(index * 3));
  const first = encoder.encode(update, 0);
  const decoded = new Float32Array(length);
  codec.decode(first.payload, 0, decoded);
  const expected = Float32Array.from(
    update,
    (value, index) => 0.5 * Math.fround(value - decoded[index]!) + value,
  );
  expect(encoder.encode(update, 1).payload).toEqual(codec.encode(expected, 1));
});
