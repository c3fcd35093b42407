import { GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';
import type { CsvRow } from './csv-rows.ts';
import type { CsvImport } from './import-options.ts';

/** What the first pass over the file learns of one column. */
export interface ColumnProfile {
  readonly name: string;
  readonly role: 'input' | 'target' | 'ignored';
  /** By the first value that is there. */
  kind: 'unknown' | 'number' | 'category';
  /** Different values of a category or a target, as written, in the order in which they came. */
  readonly values: Set<string>;
  isInteger: boolean;
}

const missingTokens = new Set(['', 'na', 'n/a', 'nan', 'null', 'none', '?']);

export const isMissing = (value: string): boolean => missingTokens.has(value.toLowerCase());

/** @throws GradswarmError `dataInvalid` or `badRequest` naming the column. */
export function profileHeader(header: readonly string[], options: CsvImport): ColumnProfile[] {
  const names = header.map((name, place) => name || `column ${place + 1}`);
  const repeated = names.find((name, place) => names.indexOf(name) !== place);
  if (repeated !== undefined) {
    throw new GradswarmError(
      'dataInvalid',
      `${options.path}: two columns are called "${repeated}".`,
      repeated,
    );
  }
  if (names.length > limits.columnsMax) {
    throw new GradswarmError(
      'tooLarge',
      `${options.path} has ${names.length} columns; the limit is ${limits.columnsMax}.`,
    );
  }
  if (options.targets.length === 0)
    throw new GradswarmError('badRequest', 'Name the column to predict.', 'targets');
  for (const name of [...options.targets, ...(options.ignore ?? []), ...(options.categories ?? [])]) {
    if (names.includes(name)) continue;
    const message = `${options.path} has no column "${name}"; its columns are ${names.join(', ')}.`;
    throw new GradswarmError('badRequest', message, name);
  }
  return names.map((name) => {
    const role = options.targets.includes(name)
      ? 'target'
      : options.ignore?.includes(name)
        ? 'ignored'
        : 'input';
    const kind = options.categories?.includes(name) ? 'category' : 'unknown';
    return { name, role, kind, values: new Set<string>(), isInteger: true };
  });
}

/** @throws GradswarmError `dataInvalid` naming line and column: text in a number column, or a missing value. */
export function profileRow(
  profiles: readonly ColumnProfile[],
  row: CsvRow,
  path: string,
  options: CsvImport,
): void {
  for (const [place, profile] of profiles.entries()) {
    if (profile.role === 'ignored') continue;
    const value = row.values[place] ?? '';
    if (isMissing(value)) {
      if (profile.role === 'input' && options.missing === 'mean') continue;
      throw missingValue(profile, path, row.line);
    }
    const number = Number(value);
    if (profile.kind === 'unknown') profile.kind = Number.isFinite(number) ? 'number' : 'category';
    if (profile.kind === 'number' && !Number.isFinite(number))
      throw notANumber(profile, value, path, row.line);
    if (!Number.isInteger(number)) profile.isInteger = false;
    if (profile.kind === 'category' || profile.role === 'target') rememberValue(profile, value);
  }
}

function rememberValue(profile: ColumnProfile, value: string): void {
  if (profile.values.size <= valuesMax(profile)) profile.values.add(value);
  if (profile.role === 'input' && profile.values.size > limits.categoriesPerColumnMax) {
    throw new GradswarmError(
      'dataInvalid',
      `Column ${profile.name} has more than ${limits.categoriesPerColumnMax} different values. ` +
        'Leave it out with --ignore, or group its values.',
      `column ${profile.name}`,
    );
  }
}

const valuesMax = ({ role }: ColumnProfile) =>
  role === 'target' ? limits.classesMax : limits.categoriesPerColumnMax;

const inferredClassesMax = 20;

/** Whether the target is a class, where the person did not say. @throws GradswarmError `badRequest`, `dataInvalid`. */
export function chooseTask(
  targets: readonly ColumnProfile[],
  task: CsvImport['task'],
): 'classification' | 'regression' {
  const [target] = targets;
  const text = targets.find(({ kind }) => kind === 'category');
  if (task === 'regression' && text) {
    throw new GradswarmError(
      'dataInvalid',
      `Column ${text.name} holds text, and regression predicts numbers. Choose classification.`,
      `column ${text.name}`,
    );
  }
  if (targets.length > 1 && (task === 'classification' || text)) {
    throw new GradswarmError('badRequest', 'Classification predicts one column; name one target.', 'targets');
  }
  const hasFewValues = (target?.values.size ?? 0) <= inferredClassesMax && target?.isInteger === true;
  const inferred = targets.length === 1 && (text || hasFewValues) ? 'classification' : 'regression';
  const chosen = task ?? inferred;
  if (chosen === 'classification' && (target?.values.size ?? 0) < 2) {
    throw new GradswarmError(
      'dataInvalid',
      `Column ${target?.name} has only one value, so there is nothing to tell apart.`,
      `column ${target?.name}`,
    );
  }
  if (chosen === 'classification' && (target?.values.size ?? 0) > limits.classesMax) {
    throw new GradswarmError(
      'tooLarge',
      `Column ${target?.name} has more than ${limits.classesMax} classes.`,
    );
  }
  return chosen;
}

/** Numbers by size, texts by code unit. */
export function sortedValues(profile: ColumnProfile): string[] {
  const values = [...profile.values];
  if (profile.kind === 'number') return values.sort((left, right) => Number(left) - Number(right));
  return values.sort();
}

function missingValue({ name, role }: ColumnProfile, path: string, line: number): GradswarmError {
  const remedy =
    role === 'target'
      ? 'Remove the row: what is to be predicted must be known.'
      : 'Fill it in, remove the row, leave the column out with --ignore, or use --missing mean.';
  return new GradswarmError(
    'dataInvalid',
    `${path}, line ${line}, column ${name}: the value is missing. ${remedy}`,
    `line ${line}, column ${name}`,
  );
}

function notANumber({ name }: ColumnProfile, value: string, path: string, line: number): GradswarmError {
  return new GradswarmError(
    'dataInvalid',
    `${path}, line ${line}, column ${name}: "${value.slice(0, 40)}" is not a number, as the values before it are. ` +
      'Correct it, or read the column as categories with --category.',
    `line ${line}, column ${name}`,
  );
}
