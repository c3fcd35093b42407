import { malformed } from './finite.ts';
import { scaleByteMax, scales } from './int8-scale.ts';

/**
 * Scales of codecs whose codes have no zero: byte 0 says that a whole block is zero, byte b from 1 on is 2^(b - 41).
 */
export const zeroScales = Float64Array.of(0, ...scales);
export const zeroScaleByteMax = scaleByteMax + 1;

/** The byte of 2^exponent. */
export const zeroScaleByteOf = (exponent: number): number => exponent + 41;

/** @throws GradswarmError `badRequest`. */
export function checkZeroScale(scaleByte: number, block: number): void {
  if (scaleByte > zeroScaleByteMax) {
    throw malformed(
      `Scale byte ${scaleByte} of block ${block} is off the grid: the largest is ${zeroScaleByteMax}.`,
    );
  }
}
