import { GradswarmError } from '../../../shared/base/errors.ts';
import { isJobId } from '../../../shared/base/ids.ts';
import { limits } from '../../../shared/base/limits.ts';
import type { DatasetManifest } from '../../../shared/data/dataset-manifest.ts';
import {
  createImportContext,
  type ImportContext,
  type OnProgress,
  type ShardSink,
} from './import-context.ts';
import { importCsv } from './import-csv.ts';
import { importIdx } from './import-idx.ts';
import { importImageFolder } from './import-image-folder.ts';
import type { ImportOptions } from './import-options.ts';
import { importText } from './import-text.ts';

/**
 * Reads local files, stores their records or tokens as shards, and describes them. The same files and options give the
 * same shards on every machine.
 * @throws GradswarmError `badRequest`, `notFound`, `dataInvalid`, `tooLarge`, `cancelled`, naming file and place.
 */
export async function importDataset(
  options: ImportOptions,
  sink: ShardSink,
  onProgress: OnProgress,
  signal?: AbortSignal,
): Promise<DatasetManifest> {
  checkCommonOptions(options);
  const context = createImportContext(sink, onProgress, signal);
  const manifest = await dispatch(options, context);
  checkManifestSize(manifest);
  await context.step(1, 'Done');
  return manifest;
}

function checkCommonOptions({ name, title, source, seed }: ImportOptions): void {
  if (!isJobId(name)) {
    throw new GradswarmError(
      'badRequest',
      `"${name}" cannot be the name of a data set: use lower-case letters, digits and dashes, at most 63.`,
      'name',
    );
  }
  for (const [field, text] of Object.entries({ title, source })) {
    if (text === undefined || text.length <= limits.textCharactersMax) continue;
    throw new GradswarmError(
      'badRequest',
      `The ${field} has at most ${limits.textCharactersMax} characters.`,
      field,
    );
  }
  if (seed !== undefined && !Number.isSafeInteger(seed)) {
    throw new GradswarmError('badRequest', 'The seed is a whole number.', 'seed');
  }
}

function dispatch(options: ImportOptions, context: ImportContext): Promise<DatasetManifest> {
  switch (options.kind) {
    case 'idx':
      return importIdx(options, context);
    case 'csv':
      return importCsv(options, context);
    case 'text':
      return importText(options, context);
    case 'images':
      return importImageFolder(options, context);
  }
}

function checkManifestSize(manifest: DatasetManifest): void {
  const bytes = new TextEncoder().encode(JSON.stringify(manifest)).length;
  if (bytes <= limits.datasetManifestBytesMax) return;
  throw new GradswarmError(
    'tooLarge',
    `The description of the data set takes ${bytes} bytes; the limit is ${limits.datasetManifestBytesMax}. ` +
      'Use a smaller vocabulary, fewer columns or fewer classes.',
  );
}
