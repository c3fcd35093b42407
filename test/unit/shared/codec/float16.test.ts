import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createFloat16 } from '../../../../shared/codec/float16.ts';

const codecFor = (length: number) => createFloat16({ kind: 'float16' }, { length });

function halfBits(...values: number[]): number[] {
  const payload = codecFor(values.length).encode(Float32Array.from(values), 0);
  return [...new Uint16Array(payload.buffer)];
}

function decoded(...halves: number[]): number[] {
  const target = new Float32Array(halves.length);
  codecFor(halves.length).decode(new Uint8Array(Uint16Array.from(halves).buffer), 0, target);
  return [...target];
}

/** By arithmetic: the step of the value's binade, ties to even by the quotient. */
function oracle(value: number): number {
  const magnitude = Math.abs(value);
  let step = 2 ** -24;
  while (magnitude >= 2048 * step) step *= 2;
  const quotient = magnitude / step;
  const floor = Math.floor(quotient);
  const isUp = quotient - floor > 0.5 || (quotient - floor === 0.5 && floor % 2 === 1);
  return Math.sign(value) * Math.min(65_504, (floor + (isUp ? 1 : 0)) * step);
}

test('gives these very bits', () => {
  expect(halfBits(0, 1, -2, 65_504, 2 ** -14, 2 ** -24, -0)).toEqual([
    0, 0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x8000,
  ]);
  expect([...codecFor(2).encode(Float32Array.of(1, -0.333), 0)]).toEqual([0x00, 0x3c, 0x54, 0xb5]);
});

test('rounds ties to even, and what is too large to the largest', () => {
  expect(halfBits(1 + 2 ** -11, 1 + 3 * 2 ** -11, 2 ** -25, 3 * 2 ** -25, 1.5 * 2 ** -24)).toEqual([
    0x3c00, 0x3c02, 0, 2, 2,
  ]);
  expect(halfBits(65_519, 65_520, -1e9, 3e38)).toEqual([0x7bff, 0x7bff, 0xfbff, 0x7bff]);
  expect(halfBits(2 ** -14 - 2 ** -26, 2047.5, 2048.5)).toEqual([0x0400, 0x6800, 0x6800]);
});

test('every finite half comes back as itself', () => {
  const halves = Array.from({ length: 0x10000 }, (_, bits) => bits).filter(
    (bits) => (bits & 0x7c00) !== 0x7c00,
  );
  const values = decoded(...halves);
  expect(halfBits(...values)).toEqual(halves);
  expect(values.every((value) => Number.isInteger(value * 2 ** 24))).toBe(true);
});

test('errs as rounding to nearest does', () => {
  const value = fc.oneof(
    fc.float({ noNaN: true, noDefaultInfinity: true }),
    fc.float({ noNaN: true, min: -2, max: 2 }),
    fc.float({ noNaN: true, min: -Math.fround(1e-4), max: Math.fround(1e-4) }),
  );
  fc.assert(
    fc.property(value, (number) => {
      const [half = 0] = halfBits(number);
      const [back] = decoded(half);
      expect(back! + 0).toBe(oracle(number) + 0);
      if (Math.abs(number) < 65_504) {
        expect(Math.abs(back! - number)).toBeLessThanOrEqual(Math.max(2 ** -25, 2 ** -11 * Math.abs(number)));
      }
    }),
    { numRuns: 1_000 },
  );
});

test.each([0x7c00, 0x7c01, 0xfc00, 0xffff])('refuses the bits %d', (bits) => {
  expect(() => decoded(1, bits)).toThrow(expect.objectContaining({ code: 'notFinite' }));
});
