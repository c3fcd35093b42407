import type { TopkChunk } from './topk-chunk.ts';
import { zeroScaleByteMax, zeroScaleByteOf, zeroScales } from './zero-scale.ts';

/**
 * Scales that are tried, from the smallest whose levels reach the largest magnitude downwards: with few levels it pays
 * to cut off the largest values for the sake of the many.
 */
const scalesTried: { readonly [Bits in 2 | 4 | 8]: number } = { 2: 4, 4: 2, 8: 1 };

/** Exponent of the smallest power of two that is at least `magnitude`, a positive double. */
function exponentReaching(magnitude: number): number {
  let exponent = 0;
  let power = 1;
  while (power < magnitude) {
    power *= 2;
    exponent++;
  }
  while (power / 2 >= magnitude && exponent > -200) {
    power /= 2;
    exponent--;
  }
  return exponent;
}

/** Fills the chunk with the selected values at the scale that leaves the smallest squared error. */
export type TopkQuantiser = (
  values: Float32Array,
  start: number,
  offsets: Uint16Array,
  count: number,
  chunk: TopkChunk,
) => void;

/** @param k the most values that are selected */
export function createTopkQuantiser(valueBits: 2 | 4 | 8, k: number): TopkQuantiser {
  const levels = 1 << (valueBits - 1);
  const magnitudes = new Float64Array(k);

  /** Nearest of 0 to `levels`; halves go up. */
  const levelOf = (magnitude: number, inverseScale: number): number => {
    const steps = magnitude * inverseScale + 0.5;
    return steps >= levels ? levels : steps | 0;
  };

  const squaredError = (count: number, scaleByte: number): number => {
    const scale = zeroScales[scaleByte]!;
    const inverseScale = 1 / scale;
    let sum = 0;
    for (let entry = 0; entry < count; entry++) {
      const error = magnitudes[entry]! - levelOf(magnitudes[entry]!, inverseScale) * scale;
      sum += error * error;
    }
    return sum;
  };

  const bestScaleByte = (count: number, largest: number): number => {
    if (largest === 0) return 0;
    const reaching = zeroScaleByteOf(exponentReaching(largest) - (valueBits - 1));
    const highest = Math.min(Math.max(reaching, 1), zeroScaleByteMax);
    if (scalesTried[valueBits] === 1) return highest;
    let best = highest;
    let bestError = squaredError(count, best);
    for (let byte = highest - 1; byte > Math.max(0, highest - scalesTried[valueBits]); byte--) {
      const error = squaredError(count, byte);
      if (error < bestError) {
        best = byte;
        bestError = error;
      }
    }
    return best;
  };

  return (values, start, offsets, count, chunk) => {
    let largest = 0;
    for (let entry = 0; entry < count; entry++) {
      const magnitude = Math.abs(values[start + offsets[entry]!]!);
      magnitudes[entry] = magnitude;
      if (magnitude > largest) largest = magnitude;
    }
    const scaleByte = bestScaleByte(count, largest);
    const inverseScale = scaleByte === 0 ? 0 : 1 / zeroScales[scaleByte]!;
    let kept = 0;
    for (let entry = 0; entry < count; entry++) {
      const level = levelOf(magnitudes[entry]!, inverseScale);
      if (level === 0) continue;
      const offset = offsets[entry]!;
      const sign = values[start + offset]! < 0 ? levels : 0;
      chunk.offsets[kept] = offset;
      chunk.codes[kept++] = sign + level - 1;
    }
    chunk.count = kept;
    chunk.scaleByte = kept === 0 ? 0 : scaleByte;
  };
}
