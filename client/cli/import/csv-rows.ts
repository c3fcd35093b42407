import { createReadStream } from 'node:fs';
import { CsvError, parse } from 'csv-parse';
import { GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';
import { checkFile } from './read-file.ts';

export interface CsvRow {
  readonly values: readonly string[];
  /** Line of the file, from 1, where the row ends. */
  readonly line: number;
  /** Part of the file read so far, in [0, 1]. */
  readonly fraction: number;
}

/**
 * Rows of a CSV file, the header first; every row has as many values as the header.
 * @throws GradswarmError `dataInvalid` naming file and line.
 */
export async function* readCsvRows(path: string, delimiter: string | undefined): AsyncGenerator<CsvRow> {
  const size = await checkFile(path, limits.importBytesMax);
  const stream = createReadStream(path);
  const parser = parse({
    bom: true,
    delimiter: delimiter ?? (await guessDelimiter(path)),
    info: true,
    max_record_size: limits.csvRecordBytesMax,
    relax_column_count: true,
    skip_empty_lines: true,
    trim: true,
  });
  stream.on('error', (error) => parser.destroy(error));
  stream.pipe(parser);
  let width: number | undefined;
  try {
    for await (const { record, info } of parser as AsyncIterable<ParsedRecord>) {
      width ??= record.length;
      if (record.length !== width) throw ragged(path, info.lines, record.length, width);
      yield { values: record, line: info.lines, fraction: info.bytes / Math.max(size, 1) };
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new GradswarmError('dataInvalid', `${path}: ${error.message}.`, path);
  } finally {
    stream.destroy();
  }
}

interface ParsedRecord {
  readonly record: readonly string[];
  readonly info: { readonly lines: number; readonly bytes: number };
}

/** The separator that the first line has most of. */
async function guessDelimiter(path: string): Promise<string> {
  const headBytesMax = 65_536;
  let head = '';
  for await (const chunk of createReadStream(path, { encoding: 'utf8', end: headBytesMax - 1 }))
    head += chunk;
  const [firstLine = ''] = head.split(/\r?\n/);
  const counted = [',', ';', '\t'].map((delimiter) => ({
    delimiter,
    count: firstLine.split(delimiter).length,
  }));
  return counted.reduce((best, other) => (other.count > best.count ? other : best)).delimiter;
}

function ragged(path: string, line: number, found: number, expected: number): GradswarmError {
  return new GradswarmError(
    'dataInvalid',
    `${path}, line ${line}: the row has ${found} values, and the header names ${expected} columns. ` +
      'Put values that contain the separator in quotes.',
    `line ${line}`,
  );
}
