import type { ColumnStatistics } from '../../../shared/data/dataset-manifest.ts';

/** Rows of numbers, NaN where one is missing. */
export interface NumberTable {
  readonly width: number;
  readonly values: Float64Array;
}

/**
 * Columns from `from` on, one for each of the statistics, in standard deviations from the mean; 0, which is the mean,
 * where the value is missing.
 */
export function standardise(
  { width, values }: NumberTable,
  from: number,
  statistics: readonly ColumnStatistics[],
): Float32Array {
  const rows = values.length / width;
  const result = new Float32Array(rows * statistics.length);
  let next = 0;
  for (let row = 0; row < rows; row++) {
    for (const [place, { mean, deviation }] of statistics.entries()) {
      const value = values[row * width + from + place]!;
      result[next++] = Number.isNaN(value) ? 0 : (value - mean) / deviation;
    }
  }
  return result;
}

/** A column as whole numbers: class indices. */
export function columnIntegers({ width, values }: NumberTable, column: number): Uint16Array {
  return Uint16Array.from({ length: values.length / width }, (_, row) => values[row * width + column]!);
}
