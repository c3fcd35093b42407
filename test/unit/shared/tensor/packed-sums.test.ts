import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GradswarmError } from '../../../../shared/base/errors.ts';
import { gridMax, gridStep, toGrid } from '../../../../shared/tensor/grid.ts';
import { packedBytesMax, packSums, unpackSums } from '../../../../shared/tensor/packed-sums.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

function unpacked(packed: Uint8Array, length: number, weight = 1024): Float64Array {
  const sums = new Float64Array(length);
  unpackSums(packed, sums, weight);
  return sums;
}

/** Sums of any magnitude, on the grid. */
const sums = fc
  .array(fc.tuple(fc.double({ min: -1, max: 1, noNaN: true }), fc.integer({ min: -45, max: 12 })), {
    maxLength: 700,
  })
  .map((pairs) =>
    Float64Array.from(
      pairs,
      ([fraction, exponent]) => Math.round((fraction * 2 ** exponent) / gridStep) * gridStep + 0,
    ),
  )
  .filter((values) => values.every((value) => Math.abs(value) <= 1024 * gridMax));

describe('packed sums', () => {
  it('give back every value, in no more than the bytes they may take', () => {
    fc.assert(
      fc.property(sums, (values) => {
        const packed = packSums(values);
        expect(packed.length).toBeLessThanOrEqual(packedBytesMax(values.length));
        expect(unpacked(packed, values.length)).toEqual(values.map((value) => value + 0));
      }),
      { numRuns: 200 },
    );
  });

  it('are these bytes', () => {
    const values = Float64Array.of(0.5, -1, 0.25, 0);
    expect(hex(packSums(values))).toBe('012604070200');
    expect(hex(packSums(new Float64Array(300)))).toBe('00000000');
    expect(hex(packSums(Float64Array.of(gridStep, -1024 * gridMax)))).toBe(
      '070002000000000000fff7ffffffff1f',
    );
  });

  it('take two bytes a value for a sum of int8 codes', () => {
    const values = Float64Array.from({ length: 2560 }, (_, index) => ((index * 37) % 500) * 2 ** -12 - 0.05);
    expect(packSums(values.map(toGrid)).length).toBeLessThan(packedBytesMax(2560));
    const codes = Float64Array.from({ length: 2560 }, (_, index) => (((index * 37) % 1000) - 500) * 2 ** -12);
    expect(packSums(codes).length).toBe(2560 * 2 + 20);
  });

  it.each<[string, string, number, number, string]>([
    ['shorter than its header', '0126040702', 4, 1, 'wrongLength'],
    ['longer than its header', '012604070200ff', 4, 1, 'wrongLength'],
    ['without a header', '01', 4, 1, 'wrongLength'],
    ['empty', '', 1, 1, 'wrongLength'],
    ['too many bytes a value', '08000000000000000000', 1, 1, 'badRequest'],
    ['a shift beyond the grid', '013504', 1, 1, 'badRequest'],
    ['larger than its contributions can be', '012a02', 1, 1, 'badRequest'],
    ['beyond what a double holds', '0700ffffffffffffff', 1, 1024, 'badRequest'],
  ])('refuse what is %s', (_, bytes, length, weight, code) => {
    const packed = new Uint8Array(Buffer.from(bytes, 'hex'));
    expect(() => unpacked(packed, length, weight)).toThrow(expect.objectContaining({ code }));
  });

  it('never throw anything but a refusal, nor give what is off the grid', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.integer({ min: 1, max: 20 }), (bytes, length) => {
        try {
          for (const value of unpacked(bytes, length)) {
            expect(Number.isInteger(value / gridStep) && Math.abs(value) <= 1024 * gridMax).toBe(true);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(GradswarmError);
        }
      }),
      { numRuns: 500 },
    );
  });
});
