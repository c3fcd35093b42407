import { GradswarmError } from '../base/errors.ts';
import type { CnnSpec, LossName, MlpSpec, ModelEnds } from './model-spec.ts';

/** A layer as Keras writes it: snake_case keys. */
export interface LayerConfig {
  readonly class_name: string;
  readonly config: { readonly [key: string]: unknown };
}

/** The `modelTopology` document of a TensorFlow.js layers model. */
export interface LayersTopology extends LayerConfig {
  readonly [key: string]: unknown;
}

/** Activation of the output that users of the exported model expect; training strips it and works on logits. */
const outputActivations: Readonly<Record<LossName, string>> = {
  softmaxCrossEntropy: 'softmax',
  binaryCrossEntropy: 'sigmoid',
  meanSquaredError: 'linear',
};

const zeros = { class_name: 'Zeros', config: {} };

/** He et al. 2015 before rectifiers, Glorot and Bengio 2010 elsewhere; the seed is injected when a job is compiled. */
function varianceScaling(activation: string): LayerConfig {
  const rectified = activation === 'relu' || activation === 'gelu';
  const config = rectified
    ? { scale: 2, mode: 'fanIn', distribution: 'normal' }
    : { scale: 1, mode: 'fanAvg', distribution: 'uniform' };
  return { class_name: 'VarianceScaling', config };
}

function dense(name: string, units: number, activation: string): LayerConfig {
  return {
    class_name: 'Dense',
    config: {
      name,
      units,
      activation,
      use_bias: true,
      kernel_initializer: varianceScaling(activation),
      bias_initializer: zeros,
    },
  };
}

function convolution(name: string, filters: number, kernelSize: number): LayerConfig {
  return {
    class_name: 'Conv2D',
    config: {
      name,
      filters,
      kernel_size: [kernelSize, kernelSize],
      strides: [1, 1],
      padding: 'same',
      data_format: 'channels_last',
      activation: 'relu',
      use_bias: true,
      kernel_initializer: varianceScaling('relu'),
      bias_initializer: zeros,
    },
  };
}

function pooling(name: string): LayerConfig {
  return {
    class_name: 'MaxPooling2D',
    config: { name, pool_size: [2, 2], strides: [2, 2], padding: 'valid', data_format: 'channels_last' },
  };
}

const flatten: LayerConfig = { class_name: 'Flatten', config: { name: 'flatten' } };

function sequential(name: string, inputShape: readonly number[], layers: LayerConfig[]): LayersTopology {
  const [first, ...others] = layers;
  if (first === undefined) throw new GradswarmError('badRequest', 'A model has at least one layer.', 'model');
  const reading = {
    class_name: first.class_name,
    config: { ...first.config, batch_input_shape: [null, ...inputShape], dtype: 'float32' },
  };
  return { class_name: 'Sequential', config: { name, layers: [reading, ...others] } };
}

/** Dense layers over the flattened input. */
export function mlpTopology(spec: MlpSpec, ends: ModelEnds, loss: LossName): LayersTopology {
  const activation = spec.activation ?? 'relu';
  const hidden = spec.hidden.map((units, index) => dense(`dense_${index + 1}`, units, activation));
  const head = ends.inputShape.length > 1 ? [flatten] : [];
  const output = dense('output', ends.outputSize, outputActivations[loss]);
  return sequential('mlp', ends.inputShape, [...head, ...hidden, output]);
}

/**
 * Convolution ("same" padding), ReLU and 2x2 max pooling for every entry of `filters`, then dense layers.
 * @throws GradswarmError `badRequest` when the input is no image, or is pooled away.
 */
export function cnnTopology(spec: CnnSpec, ends: ModelEnds, loss: LossName): LayersTopology {
  const shape = imageShape(ends.inputShape);
  const smallest = Math.min(shape[0], shape[1]);
  const blocksMax = Math.floor(Math.log2(smallest));
  if (spec.filters.length > blocksMax) {
    throw new GradswarmError(
      'badRequest',
      `model.filters has ${spec.filters.length} blocks, and each halves the image: ` +
        `${shape[0]} x ${shape[1]} pixels allow ${blocksMax}.`,
      'model.filters',
    );
  }
  const blocks = spec.filters.flatMap((filters, index) => [
    convolution(`conv2d_${index + 1}`, filters, spec.kernelSize ?? 3),
    pooling(`max_pooling2d_${index + 1}`),
  ]);
  const hidden = spec.dense === undefined ? [] : [dense('dense_1', spec.dense, 'relu')];
  const output = dense('output', ends.outputSize, outputActivations[loss]);
  return sequential('cnn', shape, [...blocks, flatten, ...hidden, output]);
}

function imageShape(inputShape: readonly number[]): readonly [number, number, number] {
  const [height, width, channels] = inputShape;
  if (inputShape.length !== 3 || height === undefined || width === undefined || channels === undefined) {
    throw new GradswarmError(
      'badRequest',
      `A cnn reads images of shape [height, width, channels], but the data set gives [${inputShape.join(', ')}]; ` +
        'use model.kind "mlp", or a data set of images.',
      'model.kind',
    );
  }
  return [height, width, channels];
}
