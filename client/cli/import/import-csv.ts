import { basename } from 'node:path';
import { GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';
import type { Column, ColumnStatistics, RecordDataset } from '../../../shared/data/dataset-manifest.ts';
import { type ColumnProfile, chooseTask, profileHeader, profileRow, sortedValues } from './csv-columns.ts';
import {
  type Feature,
  featureStatistics,
  inputFeatures,
  readFeature,
  targetFeatures,
} from './csv-features.ts';
import { readCsvRows } from './csv-rows.ts';
import { type ImportContext, progressPart } from './import-context.ts';
import type { CsvImport } from './import-options.ts';
import { splitRecords } from './split-records.ts';
import { columnIntegers, type NumberTable, standardise } from './standardise.ts';
import { bytesOf, type RecordTable, writeRecordShards } from './write-shards.ts';

interface TableProfile {
  readonly columns: readonly ColumnProfile[];
  readonly rows: number;
  /** Rows of the first file; those after it are the test file's. */
  readonly trainRows: number;
}

const rowsPerStep = 4_096;

/** Two passes over the file: the first finds out what each column is, the second reads the values. */
export async function importCsv(options: CsvImport, context: ImportContext): Promise<RecordDataset> {
  const profile = await profileFiles(options, progressPart(context, 0, 0.4));
  const targetColumns = profile.columns.filter(({ role }) => role === 'target');
  const task = chooseTask(targetColumns, options.task);
  const classNames = task === 'classification' ? targetColumns.flatMap(sortedValues) : undefined;
  const inputs = inputFeatures(profile.columns);
  const targets = targetFeatures(profile.columns, options.targets, classNames);
  const features = [...inputs, ...targets];
  const numbers = await readNumbers(options, profile.rows, features, progressPart(context, 0.4, 0.8));
  const testStart = options.testPath === undefined ? {} : { testStart: profile.trainRows };
  const { train, test } = splitRecords(profile.rows, { ...options, ...testStart });
  const statistics = featureStatistics(numbers, features, train);
  const inputStatistics = statistics.slice(0, inputs.length);
  const targetStatistics = statistics.slice(inputs.length);
  const isClass = classNames !== undefined;
  const table = buildTable(numbers, inputStatistics, targetStatistics, isClass);
  return {
    kind: 'records',
    name: options.name,
    title: options.title ?? options.name,
    source: options.source ?? basename(options.path),
    task,
    input: float32Column(inputs.length),
    target: isClass ? { type: 'uint16', shape: [], scale: 1, offset: 0 } : float32Column(targets.length),
    outputSize: classNames?.length ?? targets.length,
    inputNames: inputs.map(({ name }) => name),
    inputStatistics,
    targetNames: options.targets,
    ...(isClass ? { classNames } : { targetStatistics }),
    train: await writeRecordShards(table, train, 'training records', progressPart(context, 0.8, 0.97)),
    test: await writeRecordShards(table, test, 'test records', progressPart(context, 0.97, 1)),
  };
}

async function profileFiles(options: CsvImport, context: ImportContext): Promise<TableProfile> {
  let columns: ColumnProfile[] | undefined;
  let header = '';
  let rows = 0;
  let trainRows = 0;
  for (const path of pathsOf(options)) {
    let isHeader = true;
    const firstRow = rows;
    for await (const row of readCsvRows(path, options.delimiter)) {
      if (isHeader) {
        columns ??= profileHeader(row.values, options);
        header ||= row.values.join();
        if (row.values.join() !== header) throw differentHeader(path, options.path);
        isHeader = false;
        continue;
      }
      profileRow(columns ?? [], row, path, options);
      if (rows++ % rowsPerStep === 0) await context.step(row.fraction, `Looking at ${basename(path)}`);
    }
    if (rows === firstRow) throw empty(path);
    if (path === options.path) trainRows = rows;
  }
  return { columns: columns ?? [], rows, trainRows };
}

async function readNumbers(
  options: CsvImport,
  rows: number,
  features: readonly Feature[],
  context: ImportContext,
): Promise<NumberTable> {
  const width = features.length;
  if (rows * width * 8 > limits.importBytesMax) {
    throw new GradswarmError(
      'tooLarge',
      `${rows} rows of ${width} numbers do not fit into memory; leave columns out with --ignore, or import a sample.`,
    );
  }
  const values = new Float64Array(rows * width);
  let next = 0;
  for (const path of pathsOf(options)) {
    let isHeader = true;
    for await (const row of readCsvRows(path, options.delimiter)) {
      if (!isHeader) for (const feature of features) values[next++] = readFeature(feature, row);
      isHeader = false;
      if ((next / width) % rowsPerStep === 0) await context.step(row.fraction, `Reading ${basename(path)}`);
    }
  }
  if (next === values.length) return { width, values };
  throw new GradswarmError('dataInvalid', `${options.path} was changed while it was read; import it again.`);
}

function buildTable(
  numbers: NumberTable,
  inputs: readonly ColumnStatistics[],
  targets: readonly ColumnStatistics[],
  isClass: boolean,
): RecordTable {
  const targetValues = isClass
    ? columnIntegers(numbers, inputs.length)
    : standardise(numbers, inputs.length, targets);
  return {
    inputBytes: inputs.length * 4,
    targetBytes: targets.length * targetValues.BYTES_PER_ELEMENT,
    inputs: bytesOf(standardise(numbers, 0, inputs)),
    targets: bytesOf(targetValues),
  };
}

function float32Column(width: number): Column {
  return { type: 'float32', shape: [width], scale: 1, offset: 0 };
}

const pathsOf = ({ path, testPath }: CsvImport) => (testPath === undefined ? [path] : [path, testPath]);

function empty(path: string): GradswarmError {
  return new GradswarmError('dataInvalid', `${path} has no rows below a header.`, path);
}

function differentHeader(path: string, first: string): GradswarmError {
  return new GradswarmError('dataInvalid', `The header of ${path} is not that of ${first}.`, path);
}
