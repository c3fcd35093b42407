import { assert } from '../base/assert.ts';

/**
 * Exact sums. A contribution's values are clipped to |v| < 4 and rounded to multiples of 2^-40, that is to integers
 * below 2^42 in units of the step. With integer weights that add up to at most 2^10, every partial sum is an integer
 * below 2^52 in the same units, which a double holds exactly. No addition ever rounds, so addition is associative and
 * commutative here: every order of arrival and every grouping into partial sums gives the same bits.
 */
export const gridStep = 1 / 0x100_0000_0000;
/** The largest magnitude on the grid. */
export const gridMax = 4 - gridStep;
/** Upper bound of the weights that one accumulator may take. */
export const gridWeightMax = 1024;

/**
 * Doubles in [2^12, 2^13) are 2^-40 apart. Adding 1.5 * 2^12 to a value under 4 lands there, so the addition itself
 * rounds half-even to the grid, and taking it away again is exact. One and a half, not one, so that negative values
 * land in the same interval.
 */
const rounder = 1.5 * 4096;

/** Nearest grid value, ties to even, of a finite number; magnitudes beyond the grid are clipped. */
export function toGrid(value: number): number {
  const clipped = Math.min(Math.max(value, -gridMax), gridMax);
  return clipped + rounder - rounder;
}

export function assertGridWeight(weight: number): void {
  assert(Number.isInteger(weight) && weight >= 1 && weight <= gridWeightMax, 'a weight is a small integer');
}

/**
 * Adds `weight` times each value, rounded to the grid.
 * `values` are finite; the weights of all calls on one accumulator add up to `gridWeightMax` at most.
 */
export function accumulate(accumulator: Float64Array, values: Float32Array, weight: number): void {
  assert(accumulator.length === values.length, 'accumulator and values are of one length');
  assertGridWeight(weight);
  for (let index = 0; index < values.length; index++) {
    accumulator[index]! += toGrid(values[index]!) * weight;
  }
}

/** Adds the partial sums of another accumulator. */
export function merge(accumulator: Float64Array, partial: Float64Array): void {
  assert(accumulator.length === partial.length, 'accumulators are of one length');
  for (let index = 0; index < partial.length; index++) accumulator[index]! += partial[index]!;
}

/** The weighted mean: one division per value, then the store rounds to float32. */
export function mean(accumulator: Float64Array, weight: number, target: Float32Array): void {
  assert(accumulator.length === target.length, 'accumulator and target are of one length');
  assertGridWeight(weight);
  for (let index = 0; index < target.length; index++) target[index] = accumulator[index]! / weight;
}
