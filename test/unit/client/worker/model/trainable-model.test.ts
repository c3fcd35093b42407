import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { enterBackend } from '../../../../../client/worker/engine/backends.ts';
import { createNetwork } from '../../../../../client/worker/model/create-network.ts';
import { compileModel } from '../../../../../client/worker/model/model-compiler.ts';
import {
  createTrainableModel,
  type TrainableModel,
} from '../../../../../client/worker/model/trainable-model.ts';
import { createRandom } from '../../../../../shared/base/random.ts';
import type { Batch } from '../../../../../shared/data/batch.ts';
import type { LossName, ModelEnds, ModelSpec } from '../../../../../shared/model/model-spec.ts';

interface Case {
  readonly spec: ModelSpec;
  readonly ends: ModelEnds;
  readonly loss: LossName;
}

const cases: Readonly<Record<string, Case>> = {
  mlp: {
    spec: { kind: 'mlp', hidden: [6], activation: 'gelu' },
    ends: { inputShape: [5], outputSize: 3 },
    loss: 'softmaxCrossEntropy',
  },
  cnn: {
    spec: { kind: 'cnn', filters: [3], dense: 4 },
    ends: { inputShape: [6, 6, 1], outputSize: 3 },
    loss: 'softmaxCrossEntropy',
  },
  gpt: {
    spec: { kind: 'gpt', layers: 2, heads: 2, width: 8, context: 5 },
    ends: { inputShape: [5], outputSize: 7 },
    loss: 'softmaxCrossEntropy',
  },
  recurrent: {
    spec: {
      kind: 'layers',
      topology: {
        class_name: 'Sequential',
        config: {
          layers: [
            {
              class_name: 'LSTM',
              config: { units: 4, return_sequences: true, batch_input_shape: [null, 4, 3] },
            },
            { class_name: 'Bidirectional', config: { layer: { class_name: 'GRU', config: { units: 3 } } } },
            { class_name: 'Dense', config: { units: 3 } },
          ],
        },
      },
    },
    ends: { inputShape: [4, 3], outputSize: 3 },
    loss: 'softmaxCrossEntropy',
  },
  regression: {
    spec: { kind: 'mlp', hidden: [6], activation: 'tanh' },
    ends: { inputShape: [5], outputSize: 2 },
    loss: 'meanSquaredError',
  },
  binary: {
    spec: { kind: 'mlp', hidden: [6], activation: 'tanh' },
    ends: { inputShape: [5], outputSize: 1 },
    loss: 'binaryCrossEntropy',
  },
};

async function open({ spec, ends, loss }: Case): Promise<{ model: TrainableModel; initial: Float32Array }> {
  const { initialParameters } = await compileModel(spec, ends, loss, 11);
  const model = createTrainableModel(await createNetwork(spec, ends, loss), loss, () => enterBackend('cpu'));
  return { model, initial: initialParameters };
}

function batchFor({ spec, ends, loss }: Case, count: number): Batch {
  const random = createRandom(5);
  const xShape = [count, ...ends.inputShape];
  const size = xShape.reduce((product, dimension) => product * dimension, 1);
  if (spec.kind === 'gpt') {
    const tokens = (): Int32Array => Int32Array.from({ length: size }, () => random.below(ends.outputSize));
    return { x: tokens(), xShape, y: tokens(), yShape: xShape, count };
  }
  const x = Float32Array.from({ length: size }, () => random.unit() * 2 - 1);
  if (loss === 'softmaxCrossEntropy') {
    const y = Int32Array.from({ length: count }, () => random.below(ends.outputSize));
    return { x, xShape, y, yShape: [count], count };
  }
  const draw = loss === 'binaryCrossEntropy' ? () => random.below(2) : () => random.unit();
  const y = Float32Array.from({ length: count * ends.outputSize }, draw);
  return { x, xShape, y, yShape: [count, ends.outputSize], count };
}

describe.each(Object.entries(cases))('%s', (_, example) => {
  it('has the gradient that central differences give', async () => {
    const { model, initial } = await open(example);
    const batch = batchFor(example, 4);
    const random = createRandom(3);
    // Away from the small initial values, where differences would drown in rounding.
    const parameters = initial.map((value) => value + (random.unit() - 0.5) * 0.6);
    model.setParameters(parameters);
    const { update, loss } = await model.gradient(batch, 1);
    expect(loss).toBeCloseTo((await model.evaluate(batch)).loss, 5);
    const direction = Float32Array.from(parameters, () => random.unit() - 0.5);
    const at = async (step: number): Promise<number> => {
      model.setParameters(parameters.map((value, index) => value + step * (direction[index] ?? 0)));
      return (await model.gradient(batch, 1)).loss;
    };
    const step = 2e-3;
    const measured = ((await at(step)) - (await at(-step))) / (2 * step);
    const expected = update.reduce((sum, value, index) => sum + value * (direction[index] ?? 0), 0);
    expect(Math.abs(measured - expected)).toBeLessThan(2e-2 * Math.max(1, Math.abs(expected)));
    model.dispose();
  });

  it('learns one batch by heart, and leaks no tensor', async () => {
    const { model, initial } = await open(example);
    const batch = batchFor(example, 4);
    model.setParameters(initial);
    const before = await model.evaluate(batch);
    await model.gradient(batch, 1);
    const held = tf.memory().numTensors;
    const parameters = Float32Array.from(initial);
    for (let step = 0; step < 60; step++) {
      model.setParameters(parameters);
      const { update } = await model.gradient(batch, step);
      update.forEach((value, index) => {
        parameters[index] = (parameters[index] ?? 0) - 0.3 * value;
      });
    }
    const after = await model.evaluate(batch);
    expect(after.loss).toBeLessThan(0.9 * before.loss);
    expect(tf.memory().numTensors).toBe(held);
    model.dispose();
  });
});

it('disposes of every tensor', async () => {
  const before = tf.memory().numTensors;
  for (const example of Object.values(cases)) {
    const { model, initial } = await open(example);
    model.setParameters(initial);
    model.dispose();
  }
  expect(tf.memory().numTensors).toBe(before);
});

describe('a model with dropout and batch normalisation', () => {
  const example: Case = {
    spec: {
      kind: 'layers',
      topology: {
        class_name: 'Sequential',
        config: {
          layers: [
            { class_name: 'Dense', config: { units: 16, batch_input_shape: [null, 5], activation: 'relu' } },
            { class_name: 'BatchNormalization', config: { momentum: 0.5 } },
            { class_name: 'Dropout', config: { rate: 0.5 } },
            { class_name: 'Dense', config: { units: 3, kernel_regularizer: 'l1l2', activation: 'softmax' } },
          ],
        },
      },
    },
    ends: { inputShape: [5], outputSize: 3 },
    loss: 'softmaxCrossEntropy',
  };

  it('drops by the seed of the unit, and by nothing else', async () => {
    const { model, initial } = await open(example);
    const batch = batchFor(example, 8);
    model.setParameters(initial);
    const first = await model.gradient(batch, 1);
    const other = await model.gradient(batch, 2);
    const again = await model.gradient(batch, 1);
    expect(again).toEqual(first);
    expect(other.update).not.toEqual(first.update);
  });

  it('reports the change of its moving averages and keeps the values it was given', async () => {
    const { model, initial } = await open(example);
    const batch = batchFor(example, 8);
    model.setParameters(initial);
    const { update } = await model.gradient(batch, 1);
    const entry = model.manifest.tensors.find(({ name }) => name.endsWith('moving_variance'));
    const moved = update.subarray(entry?.offset, (entry?.offset ?? 0) + (entry?.length ?? 0));
    expect(entry?.role).toBe('statistic');
    expect(moved.every((value) => value > -0.5 && value < 0)).toBe(true);
  });
});

it('refuses parameters and batches of another shape', async () => {
  const example = cases['mlp'] as Case;
  const { model, initial } = await open(example);
  expect(() => model.setParameters(initial.subarray(1))).toThrowError(/57 parameters, but 56/);
  const batch = { ...batchFor(example, 2), xShape: [2, 4] };
  await expect(model.gradient(batch, 1)).rejects.toMatchObject({ code: 'badRequest', field: 'batch' });
});
