import { asBlobHash } from '../../shared/base/ids.ts';
import { createRandom } from '../../shared/base/random.ts';
import type { Batch } from '../../shared/data/batch.ts';
import type { DatasetManifest } from '../../shared/data/dataset-manifest.ts';
import { completeJobDocument } from '../../shared/job/complete-job-document.ts';
import type { JobDocument } from '../../shared/job/job-document.ts';
import { modelEnds } from '../../shared/job/model-ends.ts';

/** A job small enough for every engine, with the data set it expects and batches drawn from a seed. */
export interface TinyJob {
  readonly document: JobDocument;
  readonly dataset: DatasetManifest;
}

const split = { shards: [{ hash: asBlobHash('0'.repeat(64)), count: 64, bytes: 128 }], count: 64 };
const base = { name: 'data', title: 'Data', source: 'a test', train: split, test: split };

const cnn = completeJobDocument({
  name: 'cnn',
  model: { kind: 'cnn', filters: [4, 4] },
  dataset: 'data',
  loss: 'softmaxCrossEntropy',
  optimizer: { kind: 'sgd', learningRate: 0.1 },
  stop: { rounds: 1 },
});

export const tinyCnn: TinyJob = {
  document: cnn,
  dataset: {
    ...base,
    kind: 'records',
    task: 'classification',
    input: { type: 'uint8', shape: [12, 12, 1], scale: 1 / 255, offset: 0 },
    target: { type: 'uint8', shape: [], scale: 1, offset: 0 },
    outputSize: 4,
  },
};

export const tinyGpt: TinyJob = {
  document: {
    ...cnn,
    name: 'gpt',
    model: { kind: 'gpt', layers: 1, heads: 2, width: 16, context: 8 },
  },
  dataset: {
    ...base,
    kind: 'tokens',
    vocabularySize: 11,
    tokenizer: { kind: 'characters', characters: [...'abcdefghijk'] },
  },
};

export function drawBatch({ document, dataset }: TinyJob, count: number): Batch {
  const { inputShape, outputSize } = modelEnds(document.model, dataset, document.loss);
  const random = createRandom(3);
  const xShape = [count, ...inputShape];
  const size = xShape.reduce((product, side) => product * side, 1);
  const labels = (length: number): Int32Array => Int32Array.from({ length }, () => random.below(outputSize));
  if (dataset.kind === 'tokens') {
    return { x: labels(size), xShape, y: labels(size), yShape: xShape, count };
  }
  const x = Float32Array.from({ length: size }, random.unit);
  return { x, xShape, y: labels(count), yShape: [count], count };
}

export function largestDifference(a: Float32Array, b: Float32Array): number {
  return a.reduce((most, value, index) => Math.max(most, Math.abs(value - (b[index] ?? Number.NaN))), 0);
}
