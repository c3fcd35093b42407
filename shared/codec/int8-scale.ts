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

/** The smallest scale whose codes, up to 2^bits - 1, reach a magnitude, counts from its exponent like this. */
interface Reach {
  /** Mantissa bits of the largest 1.m for which 1.m * 2^k is at most (2^bits - 1) steps of 2^(k + 1 - bits). */
  readonly mantissaMax: number;
  /** Powers of two between the largest code's leading bit and the step. */
  readonly shift: number;
}

const reachOf127: Reach = { mantissaMax: 0x7e0000, shift: 6 };
const reachOf7: Reach = { mantissaMax: 0x600000, shift: 2 };

function scaleByteReaching({ mantissaMax, shift }: Reach, magnitudeBits: number): number {
  const exponent = (magnitudeBits >>> 23) - 127;
  const scaleExponent = (magnitudeBits & 0x7fffff) <= mantissaMax ? exponent - shift : exponent - shift + 1;
  return scaleExponent <= exponentMin ? 0 : scaleExponent - exponentMin;
}

/**
 * The smallest scale byte whose 127 steps reach a magnitude, given as the bits of a non-negative float32.
 * More than `scaleByteMax` for magnitudes out of range, infinities and NaN.
 */
export function scaleByteFor(magnitudeBits: number): number {
  return scaleByteReaching(reachOf127, magnitudeBits);
}

/** The same for 7 steps. */
export function scaleByteFor7(magnitudeBits: number): number {
  return scaleByteReaching(reachOf7, magnitudeBits);
}

/** The largest magnitude of a part of a vector, as the bits of a float32. NaN and infinities come out on top. */
export function largestMagnitudeBits(words: Int32Array, start: number, end: number): number {
  let largest = 0;
  for (let index = start; index < end; index++) {
    // Without the sign bit, float32 magnitudes order like integers.
    const magnitude = words[index]! & 0x7fffffff;
    if (magnitude > largest) largest = magnitude;
  }
  return largest;
}

/** The bits of each value, shared, not copied. */
export function wordsOf(values: Float32Array): Int32Array {
  return new Int32Array(values.buffer, values.byteOffset, values.length);
}
