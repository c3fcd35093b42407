import { describe, expect, it } from 'vitest';
import { asBlobHash } from '../../../../shared/base/ids.ts';
import type {
  DatasetManifest,
  RecordDataset,
  TokenDataset,
} from '../../../../shared/data/dataset-manifest.ts';
import { modelEnds } from '../../../../shared/job/model-ends.ts';
import type { LossName, ModelSpec } from '../../../../shared/model/model-spec.ts';

const split = { shards: [{ hash: asBlobHash('0'.repeat(64)), count: 40, bytes: 80 }], count: 40 };
const base = { name: 'data', title: 'Data', source: 'a test', train: split, test: split };
const scalar = { type: 'uint8', shape: [], scale: 1, offset: 0 } as const;
const images: RecordDataset = {
  ...base,
  kind: 'records',
  task: 'classification',
  input: { type: 'uint8', shape: [28, 28, 1], scale: 1 / 255, offset: 0 },
  target: scalar,
  outputSize: 10,
};
const twoClasses: RecordDataset = { ...images, outputSize: 2 };
const prices: RecordDataset = {
  ...images,
  task: 'regression',
  input: { type: 'float32', shape: [7], scale: 1, offset: 0 },
  target: { ...scalar, type: 'float32', shape: [3] },
  outputSize: 3,
};
const text: TokenDataset = {
  ...base,
  kind: 'tokens',
  vocabularySize: 65,
  tokenizer: { kind: 'characters', characters: [] },
};

const mlp: ModelSpec = { kind: 'mlp', hidden: [4] };
const gpt: ModelSpec = { kind: 'gpt', layers: 1, heads: 1, width: 4, context: 16 };
const tokenLayers: ModelSpec = {
  kind: 'layers',
  topology: {
    class_name: 'Sequential',
    config: { layers: [{ class_name: 'Embedding', config: { batch_input_shape: [null, 12] } }] },
  },
};

it.each<[string, ModelSpec, DatasetManifest, LossName, number[], number]>([
  ['classes', mlp, images, 'softmaxCrossEntropy', [28, 28, 1], 10],
  ['one output for two classes', mlp, twoClasses, 'binaryCrossEntropy', [28, 28, 1], 1],
  ['columns', mlp, prices, 'meanSquaredError', [7], 3],
  ['a vocabulary', gpt, text, 'softmaxCrossEntropy', [16], 65],
  ['the context of a topology', tokenLayers, text, 'softmaxCrossEntropy', [12], 65],
])('%s', (_, model, dataset, loss, inputShape, outputSize) => {
  expect(modelEnds(model, dataset, loss)).toMatchObject({ inputShape, outputSize });
});

it('asks a language model for a prediction at every token', () => {
  expect(modelEnds(gpt, text, 'softmaxCrossEntropy').predictionsPerSample).toBe(16);
  expect(modelEnds(mlp, images, 'softmaxCrossEntropy').predictionsPerSample).toBeUndefined();
});

describe('what does not belong together is refused', () => {
  it.each<[string, ModelSpec, DatasetManifest, LossName, string]>([
    ['a gpt on images', gpt, images, 'softmaxCrossEntropy', 'model.kind'],
    ['an mlp on text', mlp, text, 'softmaxCrossEntropy', 'model.kind'],
    ['classes of a regression', mlp, prices, 'softmaxCrossEntropy', 'loss'],
    ['distance between classes', mlp, images, 'meanSquaredError', 'loss'],
    ['ten classes as one bit', mlp, images, 'binaryCrossEntropy', 'loss'],
    ['distance between tokens', gpt, text, 'meanSquaredError', 'loss'],
    ['a context as long as the text', { ...gpt, context: 40 }, text, 'softmaxCrossEntropy', 'dataset'],
  ])('%s', (_, model, dataset, loss, field) => {
    expect(() => modelEnds(model, dataset, loss)).toThrowError(
      expect.objectContaining({ code: 'badRequest', field }),
    );
  });
});
