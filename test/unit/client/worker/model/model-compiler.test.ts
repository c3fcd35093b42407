import { describe, expect, it } from 'vitest';
import { compileModel } from '../../../../../client/worker/model/model-compiler.ts';
import type { ModelSpec } from '../../../../../shared/model/model-spec.ts';

const image = { inputShape: [8, 8, 1], outputSize: 3 };
const cnn: ModelSpec = { kind: 'cnn', filters: [4, 6] };

describe('the compiler of models', () => {
  it('names the tensors of a cnn and keeps its softmax for export', async () => {
    const { tensors, initialParameters, layersTopology } = await compileModel(
      cnn,
      image,
      'softmaxCrossEntropy',
      1,
    );
    expect(tensors).toEqual([
      { name: 'conv2d_1/kernel', role: 'trainable', shape: [3, 3, 1, 4] },
      { name: 'conv2d_1/bias', role: 'trainable', shape: [4] },
      { name: 'conv2d_2/kernel', role: 'trainable', shape: [3, 3, 4, 6] },
      { name: 'conv2d_2/bias', role: 'trainable', shape: [6] },
      { name: 'output/kernel', role: 'trainable', shape: [24, 3] },
      { name: 'output/bias', role: 'trainable', shape: [3] },
    ]);
    expect(initialParameters.length).toBe(36 + 4 + 216 + 6 + 72 + 3);
    expect(JSON.stringify(layersTopology)).toContain('"activation":"softmax"');
  });

  it('gives the same bits for the same seed, and others for another', async () => {
    const first = await compileModel(cnn, image, 'softmaxCrossEntropy', 7);
    const again = await compileModel(cnn, image, 'softmaxCrossEntropy', 7);
    const other = await compileModel(cnn, image, 'softmaxCrossEntropy', 8);
    expect(again).toEqual(first);
    expect(other.initialParameters).not.toEqual(first.initialParameters);
  });

  it('seeds initialisers that a topology leaves out, and names its nameless layers', async () => {
    const spec: ModelSpec = {
      kind: 'layers',
      topology: {
        class_name: 'Sequential',
        config: {
          layers: [
            { class_name: 'Dense', config: { units: 4, batch_input_shape: [null, 5] } },
            { class_name: 'BatchNormalization', config: {} },
            { class_name: 'Dense', config: { units: 2 } },
          ],
        },
      },
    };
    const ends = { inputShape: [5], outputSize: 2 };
    const first = await compileModel(spec, ends, 'meanSquaredError', 3);
    const again = await compileModel(spec, ends, 'meanSquaredError', 3);
    expect(again).toEqual(first);
    expect(first.tensors.map(({ name, role }) => `${name} ${role}`)).toEqual([
      'dense_1/kernel trainable',
      'dense_1/bias trainable',
      'batch_normalization_1/gamma trainable',
      'batch_normalization_1/beta trainable',
      'dense_2/kernel trainable',
      'dense_2/bias trainable',
      'batch_normalization_1/moving_mean statistic',
      'batch_normalization_1/moving_variance statistic',
    ]);
  });

  it('builds a language model of layers', async () => {
    const layers = [
      { class_name: 'Embedding', config: { input_dim: 7, output_dim: 4, batch_input_shape: [null, 5] } },
      { class_name: 'LSTM', config: { units: 6, return_sequences: true } },
      { class_name: 'Dense', config: { units: 7, activation: 'softmax' } },
    ];
    const spec: ModelSpec = { kind: 'layers', topology: { class_name: 'Sequential', config: { layers } } };
    const ends = { inputShape: [5], outputSize: 7, predictionsPerSample: 5 };
    const first = await compileModel(spec, ends, 'softmaxCrossEntropy', 3);
    expect(first.tensors.map(({ name }) => name)).toContain('lstm_1/recurrent_kernel');
    expect(await compileModel(spec, ends, 'softmaxCrossEntropy', 3)).toEqual(first);
  });

  it('lays a gpt out as GPT-2 does', async () => {
    const spec: ModelSpec = { kind: 'gpt', layers: 4, heads: 4, width: 128, context: 64 };
    const ends = { inputShape: [64], outputSize: 65 };
    const { tensors, initialParameters } = await compileModel(spec, ends, 'softmaxCrossEntropy', 1);
    expect(initialParameters.length).toBe(804_096);
    expect(tensors.slice(0, 4).map(({ name }) => name)).toEqual([
      'wte.weight',
      'wpe.weight',
      'h.0.ln_1.weight',
      'h.0.attn.c_attn.weight',
    ]);
  });
});

const sequential = (...layers: object[]): ModelSpec => ({
  kind: 'layers',
  topology: { class_name: 'Sequential', config: { layers } },
});
const dense = (units: number, more: object = {}): object => ({
  class_name: 'Dense',
  config: { units, ...more },
});
const reading = { batch_input_shape: [null, 5] };
const five = { inputShape: [5], outputSize: 2 };

describe('a model that cannot be trained is refused, with its field', () => {
  const gpt: ModelSpec = { kind: 'gpt', layers: 1, heads: 3, width: 32, context: 8 };
  it.each([
    ['heads that do not divide the width', gpt, { inputShape: [8], outputSize: 9 }, 'model.heads'],
    ['a cnn over columns', cnn, five, 'model.kind'],
    ['too many blocks', { kind: 'cnn', filters: [2, 2, 2, 2] } satisfies ModelSpec, image, 'model.filters'],
    [
      'one class',
      { kind: 'mlp', hidden: [4] } satisfies ModelSpec,
      { inputShape: [5], outputSize: 1 },
      'loss',
    ],
    ['no topology', { kind: 'layers', topology: { a: 1 } } satisfies ModelSpec, five, 'model.topology'],
    [
      'an unknown layer',
      sequential({ class_name: 'Quantum', config: { ...reading } }),
      five,
      'model.topology',
    ],
    ['another input', sequential(dense(2, { batch_input_shape: [null, 4] })), five, 'model.topology'],
    ['another output', sequential(dense(3, reading)), five, 'model.topology'],
    [
      'one prediction where every token asks for one',
      sequential(
        { class_name: 'Embedding', config: { input_dim: 2, output_dim: 3, batch_input_shape: [null, 5] } },
        { class_name: 'Flatten', config: {} },
        dense(2),
      ),
      { ...five, predictionsPerSample: 5 },
      'model.topology',
    ],
    [
      'a sigmoid for classes',
      sequential(dense(2, { ...reading, activation: 'sigmoid' })),
      five,
      'model.topology',
    ],
    [
      'noise without a seed',
      sequential({ class_name: 'GaussianNoise', config: { stddev: 1, ...reading } }, dense(2)),
      five,
      'model.topology',
    ],
    [
      'a normalisation that does not run',
      sequential(dense(2, reading), { class_name: 'BatchNormalization', config: { scale: false } }),
      five,
      'model.topology',
    ],
  ] as const)('%s', async (_, spec, ends, field) => {
    await expect(compileModel(spec, ends, 'softmaxCrossEntropy', 1)).rejects.toMatchObject({
      code: 'badRequest',
      field,
    });
  });
});
