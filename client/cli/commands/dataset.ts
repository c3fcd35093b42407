import { createHash } from 'node:crypto';
import cliProgress from 'cli-progress';
import type { Command } from 'commander';
import { GradswarmError } from '../../../shared/base/errors.ts';
import { asBlobHash } from '../../../shared/base/ids.ts';
import type { DatasetManifest } from '../../../shared/data/dataset-manifest.ts';
import { adminService } from '../../../shared/protocol/services.ts';
import { type AdminOptions, withAdmin, withAdminOptions } from '../admin-client.ts';
import { builtinDatasetOptions, isBuiltinDataset } from '../import/builtin-datasets.ts';
import { importDataset } from '../import/import-dataset.ts';
import type { ImportOptions } from '../import/import-options.ts';
import { boundedNumber, formatBytes, formatCount, wholeNumber } from '../numbers.ts';
import { createOutput, type Output } from '../output.ts';

interface ImportFlags extends AdminOptions {
  readonly csv?: string;
  readonly target?: readonly string[];
  readonly task?: string;
  readonly ignore?: readonly string[];
  readonly category?: readonly string[];
  readonly missing?: string;
  readonly delimiter?: string;
  readonly text?: readonly string[];
  readonly tokenizer?: string;
  readonly vocabulary?: number;
  readonly idxImages?: string;
  readonly idxLabels?: string;
  readonly idxTestImages?: string;
  readonly idxTestLabels?: string;
  readonly images?: string;
  readonly size?: string;
  readonly grey?: boolean;
  readonly test?: string;
  readonly testFraction?: number;
  readonly seed?: number;
  readonly title?: string;
  readonly source?: string;
}

function choice<Value extends string>(text: string, values: readonly Value[], option: string): Value {
  const found = values.find((value) => value === text);
  if (found !== undefined) return found;
  throw new GradswarmError('badRequest', `must be one of ${values.join(', ')}, not "${text}"`, option);
}

function needed<Value>(value: Value | undefined, option: string, with_: string): Value {
  if (value !== undefined) return value;
  throw new GradswarmError('badRequest', `is needed with ${with_}`, option);
}

/** Leaves absent values out, as exact optional properties want it. */
function present<Fields extends Record<string, unknown>>(
  fields: Fields,
): { [Key in keyof Fields]?: Exclude<Fields[Key], undefined> } {
  const kept = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(kept) as { [Key in keyof Fields]?: Exclude<Fields[Key], undefined> };
}

function csvOptions(common: { readonly name: string }, flags: ImportFlags, path: string): ImportOptions {
  const { target, ignore, category, delimiter, test } = flags;
  const task = flags.task && choice(flags.task, ['classification', 'regression'], '--task');
  const missing = flags.missing && choice(flags.missing, ['refuse', 'mean'], '--missing');
  return {
    ...common,
    kind: 'csv',
    path,
    targets: needed(target, '--target', '--csv'),
    ...present({ ignore, delimiter, categories: category, testPath: test }),
    ...(task ? { task } : {}),
    ...(missing ? { missing } : {}),
  };
}

function textOptions(
  common: { readonly name: string },
  flags: ImportFlags,
  paths: readonly string[],
): ImportOptions {
  const kind = choice(flags.tokenizer ?? 'characters', ['characters', 'bpe'], '--tokenizer');
  const tokenizer = kind === 'bpe' ? { kind, vocabularySize: flags.vocabulary ?? 1_024 } : { kind };
  return {
    ...common,
    kind: 'text',
    paths,
    tokenizer,
    ...(flags.test === undefined ? {} : { testPaths: [flags.test] }),
  };
}

function imageOptions(common: { readonly name: string }, flags: ImportFlags, folder: string): ImportOptions {
  const [, width, height] = /^(\d+)x(\d+)$/.exec(flags.size ?? '32x32') ?? [];
  if (width === undefined || height === undefined) {
    throw new GradswarmError(
      'badRequest',
      `must be WIDTHxHEIGHT, such as 32x32, not "${flags.size}"`,
      '--size',
    );
  }
  const sizes = {
    width: Number(width),
    height: Number(height),
    channels: flags.grey === true ? 1 : 3,
  } as const;
  return { ...common, kind: 'images', folder, ...sizes, ...present({ testFolder: flags.test }) };
}

function importOptions(name: string, flags: ImportFlags): ImportOptions {
  const { title, source, seed, testFraction } = flags;
  const common = { name, ...present({ title, source, seed, testFraction }) };
  const given = [flags.csv, flags.text, flags.idxImages, flags.images].filter((value) => value !== undefined);
  if (given.length > 1) {
    throw new GradswarmError(
      'badRequest',
      'give one of --csv, --text, --idx-images and --images, not several',
    );
  }
  if (flags.csv !== undefined) return csvOptions(common, flags, flags.csv);
  if (flags.text !== undefined) return textOptions(common, flags, flags.text);
  if (flags.images !== undefined) return imageOptions(common, flags, flags.images);
  if (flags.idxImages !== undefined) {
    const labels = needed(flags.idxLabels, '--idx-labels', '--idx-images');
    const tests = present({ testImages: flags.idxTestImages, testLabels: flags.idxTestLabels });
    return { ...common, kind: 'idx', images: flags.idxImages, labels, ...tests };
  }
  if (isBuiltinDataset(name)) return builtinDatasetOptions(name);
  const remedy = 'say what to import: --csv, --text, --idx-images, --images, or the name mnist or moby';
  throw new GradswarmError('badRequest', remedy, 'dataset');
}

/** A bar on a terminal; nothing elsewhere, where nobody watches. */
function createImportBar(output: Output): { show(fraction: number, message: string): void; end(): void } {
  if (output.isJson || !process.stderr.isTTY) return { show() {}, end() {} };
  const bar = new cliProgress.SingleBar({ format: '[{bar}] {percentage} % {message}', hideCursor: true });
  bar.start(1_000, 0, { message: '' });
  return {
    show: (fraction, message) => bar.update(Math.round(1_000 * fraction), { message }),
    end: () => bar.stop(),
  };
}

function countsOf({ train, test }: DatasetManifest): { train: number; test: number; bytes: number } {
  const bytes = [...train.shards, ...test.shards].reduce((sum, shard) => sum + shard.bytes, 0);
  return { train: train.count, test: test.count, bytes };
}

async function runImport(name: string, flags: ImportFlags): Promise<void> {
  const output = createOutput(flags.json === true);
  const options = importOptions(name, flags);
  const bar = createImportBar(output);
  const manifest = await withAdmin(flags, async (client) => {
    const sink = {
      async putShard(bytes: Uint8Array) {
        const hash = asBlobHash(createHash('sha256').update(bytes).digest('hex'));
        await client.unary(adminService.method.putBlob, { hash }, { payload: bytes });
        return hash;
      },
    };
    const imported = await importDataset(options, sink, bar.show);
    await client.unary(adminService.method.registerDataset, { manifestJson: JSON.stringify(imported) });
    return imported;
  }).finally(() => bar.end());
  const { train, test, bytes } = countsOf(manifest);
  output.object({ dataset: manifest.name, kind: manifest.kind, train, test, bytes });
  const unit = manifest.kind === 'tokens' ? 'tokens' : 'records';
  output.text(
    `Imported ${manifest.name}: ${formatCount(train)} ${unit} to train, ${formatCount(test)} to test, ${formatBytes(bytes)}.`,
  );
}

async function list(options: AdminOptions): Promise<void> {
  const output = createOutput(options.json === true);
  const { message } = await withAdmin(options, (client) =>
    client.unary(adminService.method.listDatasets, {}),
  );
  const rows = message.datasets.map(({ name, kind, trainCount, testCount, bytes, source }) => ({
    dataset: name,
    kind,
    train: trainCount,
    test: testCount,
    size: output.isJson ? bytes : formatBytes(bytes),
    source,
  }));
  output.table(['dataset', 'kind', 'train', 'test', 'size', 'source'], rows);
}

export function addDatasetCommand(program: Command): void {
  const dataset = program
    .command('dataset')
    .description('Import and list data sets.')
    .addHelpText(
      'after',
      `
Examples:
  gradswarm dataset import houses --csv houses.csv --target price
  gradswarm dataset list`,
    );
  withAdminOptions(dataset.command('import <name>'))
    .description('cut local files into shards and store them on the coordinator; mnist and moby need no file')
    .option('--csv <file>', 'table with a header row')
    .option('--target <column...>', 'column to predict (several for regression)')
    .option('--task <task>', 'classification or regression; by the target when absent')
    .option('--ignore <column...>', 'columns to leave out')
    .option('--category <column...>', 'number columns to read as categories')
    .option('--missing <rule>', 'what to do with empty cells: refuse or mean')
    .option('--delimiter <character>', 'of the CSV; guessed from the header when absent')
    .option('--text <file...>', 'UTF-8 text for a language model; several files are joined')
    .option('--tokenizer <kind>', 'characters or bpe', 'characters')
    .option('--vocabulary <size>', 'tokens of the BPE tokenizer', wholeNumber('--vocabulary', 257, 65_536))
    .option('--idx-images <file>', 'IDX images, plain or gzip')
    .option('--idx-labels <file>', 'IDX labels')
    .option('--idx-test-images <file>', 'IDX images of the test split')
    .option('--idx-test-labels <file>', 'IDX labels of the test split')
    .option('--images <folder>', 'PNG and JPEG files in one sub-folder for each class')
    .option('--size <size>', 'WIDTHxHEIGHT that images are scaled to', '32x32')
    .option('--grey', 'one channel instead of three')
    .option('--test <path>', 'file or folder of the test split, instead of a part of the data')
    .option(
      '--test-fraction <fraction>',
      'part of the data kept for tests',
      boundedNumber('--test-fraction', 0, 0.9),
    )
    .option('--seed <seed>', 'of the shuffle', wholeNumber('--seed', 0, 2 ** 31 - 1))
    .option('--title <text>', 'shown to contributors')
    .option('--source <text>', 'where the data comes from, shown to contributors')
    .addHelpText(
      'after',
      `
Examples:
  gradswarm dataset import houses --csv houses.csv --target price --task regression
  gradswarm dataset import novel --text novel.txt --tokenizer bpe --vocabulary 2048
  gradswarm dataset import flowers --images flowers/ --size 64x64
  gradswarm dataset import mnist`,
    )
    .action(runImport);
  withAdminOptions(dataset.command('list'))
    .description('list the data sets')
    .addHelpText('after', '\nExample:\n  gradswarm dataset list --json')
    .action(list);
}
