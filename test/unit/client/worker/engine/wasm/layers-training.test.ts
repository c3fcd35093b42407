import * as tf from '@tensorflow/tfjs-core';
import * as keras from '@tensorflow/tfjs-layers';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  type BackendName,
  randomTensor,
  relativeDifference,
  startBackends,
  tolerance,
  weightedSum,
} from './two-backends.ts';

beforeAll(startBackends);
afterEach(() => tf.disposeVariables());

type Layer = Parameters<keras.Sequential['add']>[0];

/** Layers for inputs of a shape (without the batch); with `ids` the input is integers below it. */
interface Network {
  readonly input: number[];
  readonly ids?: number;
  readonly build: () => Layer[];
}

const make = keras.layers;
const image = [9, 8, 3];
const sequence = [6, 5];
// The default wants the chained methods of tensors; the test sets all weights anyway.
const recurrentInitializer = 'zeros';
const last = () => make.dense({ units: 3 });

const networks: Record<string, Network> = {
  conv1d: { input: sequence, build: () => [make.conv1d({ filters: 4, kernelSize: 3, activation: 'relu' })] },
  conv2d: {
    input: image,
    build: () => [
      make.conv2d({ filters: 4, kernelSize: 3, padding: 'same', activation: 'relu' }),
      make.conv2d({ filters: 6, kernelSize: [2, 3], strides: 2, activation: 'tanh' }),
    ],
  },
  'conv2d with max pooling': {
    input: image,
    build: () => [
      make.conv2d({ filters: 5, kernelSize: 3 }),
      make.maxPooling2d({ poolSize: 3, strides: 2, padding: 'same' }),
      make.conv2d({ filters: 4, kernelSize: 1 }),
    ],
  },
  'conv2d with average pooling': {
    input: image,
    build: () => [make.conv2d({ filters: 5, kernelSize: 3 }), make.averagePooling2d({ poolSize: 2 })],
  },
  'conv2d with global pooling': {
    input: image,
    build: () => [
      make.conv2d({ filters: 5, kernelSize: 3, padding: 'same' }),
      make.conv2d({ filters: 5, kernelSize: 3 }),
      make.globalAveragePooling2d({}),
    ],
  },
  'conv2d with padding and cropping': {
    input: image,
    build: () => [
      make.conv2d({ filters: 4, kernelSize: 3 }),
      make.zeroPadding2d({ padding: 1 }),
      make.cropping2D({
        cropping: [
          [1, 2],
          [0, 1],
        ],
      }),
    ],
  },
  conv2dTranspose: {
    input: image,
    build: () => [make.conv2dTranspose({ filters: 4, kernelSize: 3, strides: 2, padding: 'same' })],
  },
  conv3d: { input: [5, 5, 4, 2], build: () => [make.conv3d({ filters: 3, kernelSize: 2 })] },
  'conv3d with max pooling': {
    input: [6, 5, 4, 2],
    build: () => [make.conv3d({ filters: 3, kernelSize: 2 }), make.maxPooling3d({ poolSize: 2 })],
  },
  separableConv2d: {
    input: image,
    build: () => [make.separableConv2d({ filters: 5, kernelSize: 3, depthMultiplier: 2, padding: 'same' })],
  },
  depthwiseConv2d: {
    input: image,
    build: () => [
      make.depthwiseConv2d({ kernelSize: 3, strides: 2, padding: 'same' }),
      make.depthwiseConv2d({ kernelSize: 2 }),
    ],
  },
  batchNormalization: {
    input: image,
    build: () => [
      make.conv2d({ filters: 4, kernelSize: 3, useBias: false }),
      make.batchNormalization(),
      make.activation({ activation: 'relu' }),
    ],
  },
  'batchNormalization of features': {
    input: [7],
    build: () => [make.dense({ units: 9, useBias: false }), make.batchNormalization()],
  },
  layerNormalization: { input: sequence, build: () => [make.dense({ units: 8 }), make.layerNormalization()] },
  dropout: { input: [7], build: () => [make.dense({ units: 20 }), make.dropout({ rate: 0.4, seed: 3 })] },
  embedding: {
    input: [6],
    ids: 11,
    build: () => [make.embedding({ inputDim: 11, outputDim: 5 }), make.dense({ units: 4 })],
  },
  'embedding with average': {
    input: [6],
    ids: 11,
    build: () => [make.embedding({ inputDim: 11, outputDim: 5 }), make.globalAveragePooling1d({})],
  },
  lstm: {
    input: sequence,
    build: () => [
      make.lstm({ recurrentInitializer, units: 4, returnSequences: true }),
      make.lstm({ recurrentInitializer, units: 3 }),
    ],
  },
  gru: { input: sequence, build: () => [make.gru({ recurrentInitializer, units: 4 })] },
  simpleRNN: { input: sequence, build: () => [make.simpleRNN({ recurrentInitializer, units: 4 })] },
  bidirectional: {
    input: sequence,
    build: () => [
      make.bidirectional({
        layer: make.lstm({ recurrentInitializer, units: 3 }) as never,
        mergeMode: 'concat',
      }),
    ],
  },
  timeDistributed: {
    input: sequence,
    build: () => [make.timeDistributed({ layer: make.dense({ units: 4 }) })],
  },
  prelu: { input: [7], build: () => [make.dense({ units: 6 }), make.prelu()] },
  leakyReLU: { input: [7], build: () => [make.dense({ units: 6 }), make.leakyReLU({ alpha: 0.2 })] },
  repeatVector: {
    input: [7],
    build: () => [
      make.dense({ units: 6 }),
      make.repeatVector({ n: 3 }),
      make.lstm({ recurrentInitializer, units: 3 }),
    ],
  },
};

const activations = [
  'elu',
  'hardSigmoid',
  'relu',
  'relu6',
  'selu',
  'sigmoid',
  'softmax',
  'softplus',
  'softsign',
  'tanh',
  'swish',
  'mish',
  'gelu',
  'gelu_new',
] as const;
for (const activation of activations) {
  networks[`activation ${activation}`] = { input: [7], build: () => [make.dense({ units: 6, activation })] };
}

/** Loss and the gradient of every weight, the layers between the input and a dense output of three units. */
async function gradientsOn(backend: BackendName, network: Network, model: keras.Sequential) {
  await tf.setBackend(backend);
  const read = tf.tidy(() => {
    const values = randomTensor([4, ...network.input], 5);
    const input = network.ids === undefined ? values : tf.abs(tf.floor(tf.mul(values, network.ids - 1)));
    const { value, grads } = tf.variableGrads(() =>
      weightedSum(tf.logSoftmax(tf.reshape(model.apply(input, { training: true }) as tf.Tensor, [4, -1]))),
    );
    return Object.entries({ loss: value, ...grads }).map(
      ([name, tensor]) => [name, tensor.dataSync()] as const,
    );
  });
  return new Map(read.map(([name, values]) => [name, Float32Array.from(values)]));
}

describe('training of a layer', () => {
  it.each(Object.keys(networks))('%s', async (name) => {
    const network = networks[name];
    if (network === undefined) throw new Error('no such network');
    await tf.setBackend('cpu');
    const model = keras.sequential();
    model.add(make.inputLayer({ inputShape: network.input }));
    for (const layer of network.build()) model.add(layer);
    if (model.outputShape.length > 2) model.add(make.flatten());
    model.add(last());
    model.setWeights(
      model.getWeights().map((weight, index) => tf.mul(randomTensor(weight.shape, index), 0.5)),
    );
    const expected = await gradientsOn('cpu', network, model);
    const actual = await gradientsOn('wasm', network, model);
    const again = await gradientsOn('wasm', network, model);
    expect([...actual.keys()]).toEqual([...expected.keys()]);
    expect(expected.size).toBe(model.trainableWeights.length + 1);
    for (const [weight, values] of expected) {
      expect(
        values.some((value) => value !== 0),
        `${weight} has a gradient`,
      ).toBe(true);
      expect(relativeDifference(values, actual.get(weight) ?? new Float32Array()), weight).toBeLessThan(
        tolerance,
      );
      expect(again.get(weight), `${weight} twice`).toEqual(actual.get(weight));
    }
  });
});
