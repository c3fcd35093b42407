import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  cosineOfFraction,
  cosineTable,
  createCosineTransform,
} from '../../../../shared/codec/cosine-transform.ts';

const sides = fc.integer({ min: 1, max: 64 });

function matrix(rows: number, columns: number, seed: number): Float64Array {
  let state = seed | 1;
  return Float64Array.from({ length: rows * columns }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) | 0;
    return state / 0x80000000;
  });
}

describe('the cosine', () => {
  it('is that of the engine, to the last bits', () => {
    for (let denominator = 1; denominator <= 128; denominator++) {
      for (let numerator = 0; numerator <= 4 * denominator; numerator++) {
        const expected = Math.cos((Math.PI * numerator) / denominator);
        expect(Math.abs(cosineOfFraction(numerator, denominator) - expected)).toBeLessThan(5e-15);
      }
    }
  });

  it('is exact where it is known', () => {
    expect([0, 1, 2, 3, 4].map((quarters) => cosineOfFraction(quarters, 2))).toEqual([1, 0, -1, 0, 1]);
    expect(cosineOfFraction(1, 3)).toBeCloseTo(0.5, 15);
  });

  it('has the bits that every coordinator has', () => {
    const words = new Uint32Array(cosineTable(64).buffer);
    let hash = 0x811c9dc5;
    for (const part of words) hash = Math.imul(hash ^ part, 0x01000193) >>> 0;
    expect(hash).toBe(3_217_874_949);
  });
});

describe('the transform', () => {
  it('is undone by its inverse, and keeps lengths', () => {
    fc.assert(
      fc.property(sides, sides, fc.integer(), (rows, columns, seed) => {
        const values = matrix(rows, columns, seed);
        const transform = createCosineTransform(rows, columns);
        const coefficients = new Float64Array(values.length);
        transform.forward(values, coefficients);
        const back = new Float64Array(values.length);
        transform.inverse(coefficients, back);
        for (const [index, value] of values.entries()) expect(back[index]).toBeCloseTo(value, 12);
        const norm = (vector: Float64Array): number => vector.reduce((sum, value) => sum + value * value, 0);
        expect(norm(coefficients)).toBeCloseTo(norm(values), 10);
      }),
      { numRuns: 40 },
    );
  });

  it('puts a constant into the first coefficient', () => {
    const coefficients = new Float64Array(12);
    createCosineTransform(3, 4).forward(new Float64Array(12).fill(2), coefficients);
    expect(coefficients[0]).toBeCloseTo(2 * Math.sqrt(12), 12);
    for (const coefficient of coefficients.subarray(1)) expect(Math.abs(coefficient)).toBeLessThan(1e-14);
  });

  it('gives zeros for zeros, after it was used for something else', () => {
    const transform = createCosineTransform(2, 2);
    const values = new Float64Array(4);
    transform.inverse(Float64Array.of(1, 2, 3, 4), values);
    transform.inverse(new Float64Array(4), values);
    expect(values).toEqual(new Float64Array(4));
  });
});
