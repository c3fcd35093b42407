import { gridStep } from '../tensor/grid.ts';

/**
 * The scales of the `int8` codec: powers of two, stored as one byte that counts from the grid's step, 2^-40. So a code
 * times its scale is on the grid without rounding, and every product below is exact.
 */
const exponentMin = -40;
/** The largest exponent for which even the code -128 stays finite in float32. */
const exponentMax = 120;

export const scaleByteMax = exponentMax - exponentMin;

/** Scale of each byte. Built by doubling: `**` is not exact by specification. */
export const scales = ((): Float64Array => {
  const table = new Float64Array(scaleByteMax + 1);
  let scale = gridStep;
  for (let byte = 0; byte < table.length; byte++, scale *= 2) table[byte] = scale;
  return table;
})();

/** Scales up to this byte keep every code, -128 included, strictly inside the grid's |v| < 4. */
export const unclippedScaleByteMax = -6 - exponentMin;

/** Mantissa bits of 127/64, the largest 1.m for which 1.m * 2^k fits 127 steps of 2^(k - 6). */
const mantissaOf127 = 0x7e0000;

/**
 * The smallest scale byte whose 127 steps reach a magnitude, given as the bits of a non-negative float32.
 * More than `scaleByteMax` for magnitudes out of range, infinities and NaN.
 */
export function scaleByteFor(magnitudeBits: number): number {
  const exponent = (magnitudeBits >>> 23) - 127;
  const scaleExponent = (magnitudeBits & 0x7fffff) <= mantissaOf127 ? exponent - 6 : exponent - 5;
  return scaleExponent <= exponentMin ? 0 : scaleExponent - exponentMin;
}
