import { GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';
import type { ColumnStatistics } from '../../../shared/data/dataset-manifest.ts';
import { type ColumnProfile, isMissing, sortedValues } from './csv-columns.ts';
import type { CsvRow } from './csv-rows.ts';
import type { NumberTable } from './standardise.ts';

/** How one number of a record is made of a row. */
export interface Feature {
  readonly name: string;
  readonly column: number;
  /** 1 where the column has this value, else 0. */
  readonly category?: string;
  /** Class of each value. */
  readonly labels?: ReadonlyMap<string, number>;
}

const plain: ColumnStatistics = { mean: 0, deviation: 1 };

/** Numbers as they are, one feature for each category. @throws GradswarmError `dataInvalid`, `tooLarge`. */
export function inputFeatures(columns: readonly ColumnProfile[]): Feature[] {
  const features = columns.flatMap((profile, column): Feature[] => {
    if (profile.role !== 'input' || profile.kind === 'unknown') return [];
    if (profile.kind === 'number') return [{ name: profile.name, column }];
    return sortedValues(profile).map((category) => ({
      name: `${profile.name}=${category}`,
      column,
      category,
    }));
  });
  if (features.length === 0) {
    throw new GradswarmError(
      'dataInvalid',
      'There is no input column beside the target and the ignored ones.',
    );
  }
  if (features.length > limits.columnsMax) {
    throw new GradswarmError(
      'tooLarge',
      `With one input for each category there are ${features.length}; the limit is ${limits.columnsMax}.`,
    );
  }
  return features;
}

/** In the order in which the person named the targets. */
export function targetFeatures(
  columns: readonly ColumnProfile[],
  targets: readonly string[],
  classNames: readonly string[] | undefined,
): Feature[] {
  const labels = classNames && new Map(classNames.map((value, label) => [value, label]));
  return targets.map((name) => {
    const column = columns.findIndex((profile) => profile.name === name);
    return labels ? { name, column, labels } : { name, column };
  });
}

/** NaN where the value is missing. */
export function readFeature({ column, category, labels }: Feature, row: CsvRow): number {
  const value = row.values[column] ?? '';
  if (category !== undefined) return value === category ? 1 : 0;
  if (labels) return labels.get(value) ?? Number.NaN;
  return isMissing(value) ? Number.NaN : Number(value);
}

/**
 * Mean and standard deviation of each number over the given rows alone, so that nothing of the test rows is learned;
 * 0 and 1 for categories and classes. A column without spread has deviation 1. Two passes, in double precision.
 */
export function featureStatistics(
  table: NumberTable,
  features: readonly Feature[],
  rows: Uint32Array,
): ColumnStatistics[] {
  return features.map(({ category, labels }, column) =>
    category === undefined && labels === undefined ? columnStatistics(table, column, rows) : plain,
  );
}

function columnStatistics(
  { width, values }: NumberTable,
  column: number,
  rows: Uint32Array,
): ColumnStatistics {
  let count = 0;
  let sum = 0;
  for (const row of rows) {
    const value = values[row * width + column]!;
    if (Number.isNaN(value)) continue;
    count++;
    sum += value;
  }
  if (count === 0) return plain;
  const mean = sum / count;
  let squares = 0;
  for (const row of rows) {
    const value = values[row * width + column]!;
    if (!Number.isNaN(value)) squares += (value - mean) ** 2;
  }
  const deviation = Math.sqrt(squares / count);
  return { mean, deviation: deviation > 0 && Number.isFinite(deviation) ? deviation : 1 };
}
