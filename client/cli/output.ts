import { type ErrorCode, GradswarmError } from '../../shared/base/errors.ts';

/** Exit codes of every command. */
export const exitCodes = { done: 0, failed: 1, badInput: 2 } as const;

/** Failures that the person at the keyboard can mend by typing something else. */
const inputCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'badRequest',
  'unauthenticated',
  'forbidden',
  'notFound',
  'unknownJob',
  'dataInvalid',
  'tooLarge',
]);

export function exitCodeOf(error: unknown): number {
  return error instanceof GradswarmError && inputCodes.has(error.code)
    ? exitCodes.badInput
    : exitCodes.failed;
}

export interface Output {
  readonly isJson: boolean;
  /** A line for people; nothing under `--json`. */
  text(line: string): void;
  /** One object on one line; only under `--json`. */
  object(value: Readonly<Record<string, unknown>>): void;
  /** Rows for people as an aligned table, or each as an object. */
  table(columns: readonly string[], rows: readonly Readonly<Record<string, unknown>>[]): void;
}

function alignedTable(
  columns: readonly string[],
  rows: readonly Readonly<Record<string, unknown>>[],
): string {
  const cells = [columns, ...rows.map((row) => columns.map((column) => String(row[column] ?? '')))];
  const widths = columns.map((_, index) => Math.max(...cells.map((line) => (line[index] ?? '').length)));
  return cells
    .map((line) =>
      line
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

export function createOutput(isJson: boolean): Output {
  return {
    isJson,
    text(line) {
      if (!isJson) process.stdout.write(`${line}\n`);
    },
    object(value) {
      if (isJson) process.stdout.write(`${JSON.stringify(value)}\n`);
    },
    table(columns, rows) {
      if (isJson) for (const row of rows) process.stdout.write(`${JSON.stringify(row)}\n`);
      else process.stdout.write(`${rows.length === 0 ? '(none)' : alignedTable(columns, rows)}\n`);
    },
  };
}

/** One line on stderr (an object under `--json`), with the field at fault in front. */
export function reportFailure(error: unknown, isJson: boolean): void {
  const isExpected = error instanceof GradswarmError;
  const message = error instanceof Error ? error.message : String(error);
  if (isJson) {
    const code = isExpected ? error.code : 'internal';
    const field = isExpected && error.field !== undefined ? { field: error.field } : {};
    process.stderr.write(`${JSON.stringify({ error: { code, ...field, message } })}\n`);
    return;
  }
  const { field: place = '' } = isExpected ? error : {};
  const field = place === '' || message.startsWith(place) ? '' : `${place}: `;
  process.stderr.write(`error: ${field}${message}\n`);
  if (!isExpected && error instanceof Error && error.stack) process.stderr.write(`${error.stack}\n`);
}
