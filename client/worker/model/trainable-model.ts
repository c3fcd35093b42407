import * as tf from '@tensorflow/tfjs-core';
import { assert } from '../../../shared/base/assert.ts';
import { GradswarmError } from '../../../shared/base/errors.ts';
import type { Batch } from '../../../shared/data/batch.ts';
import type { LossName } from '../../../shared/model/model-spec.ts';
import {
  createManifest,
  type ParameterManifest,
  type TensorDeclaration,
} from '../../../shared/tensor/manifest.ts';
import { losses } from './losses.ts';
import type { Network, NetworkTensor } from './network.ts';

/** Encodes the first `length` of `values` and reads the result back with the values that follow. */
export type DeviceEncoder = (
  values: tf.Tensor1D,
  length: number,
  seed: number,
) => Promise<{ readonly payload: Uint8Array; readonly rest: Float32Array }>;

/** A model on one back end: parameters in, gradients out. Calls must not overlap. */
export interface TrainableModel {
  readonly tensors: readonly TensorDeclaration[];
  readonly manifest: ParameterManifest;
  /** One upload, cut on the device. @throws GradswarmError `wrongLength`. */
  setParameters(flat: Float32Array): void;
  /** Gradients of the mean loss (change, for statistics) and the loss: one read-back. */
  gradient(batch: Batch, seed: number): Promise<{ update: Float32Array; loss: number }>;
  /** The same, encoded on the device before it is read back. @throws GradswarmError `notFinite`. */
  gradientThrough(
    encode: DeviceEncoder,
    batch: Batch,
    seed: number,
  ): Promise<{ payload: Uint8Array; loss: number }>;
  /** Means over the batch. `accuracy` is 0 for regression. */
  evaluate(batch: Batch): Promise<{ loss: number; accuracy: number }>;
  /** Predictions or logits for `x` of shape `[count, ...input shape]`, row-major. */
  predict(x: Float32Array | Int32Array, count: number): Promise<Float32Array>;
  dispose(): void;
}

/** `enter` makes the network's back end the current one of TensorFlow.js; it is called before tensors are made. */
export function createTrainableModel(
  network: Network,
  lossName: LossName,
  enter: () => void,
): TrainableModel {
  const declarations = network.tensors.map(({ name, role, variable }) => ({
    name,
    shape: variable.shape,
    role,
  }));
  const manifest = createManifest(declarations);
  return {
    tensors: declarations,
    manifest,
    setParameters(flat) {
      requireLength(flat.length, manifest.length);
      enter();
      assign(network.tensors, manifest, flat);
    },
    async gradient(batch, seed) {
      requireFit(batch, network);
      enter();
      const values = await take(tf.tidy(() => gradientAndLoss(network, lossName, batch, seed)));
      return { update: values.subarray(0, manifest.length), loss: values[manifest.length] ?? Number.NaN };
    },
    async gradientThrough(encode, batch, seed) {
      requireFit(batch, network);
      enter();
      const values = tf.tidy(() => gradientAndLoss(network, lossName, batch, seed));
      try {
        const { payload, rest } = await encode(values, manifest.length, seed);
        return { payload, loss: rest[0] ?? Number.NaN };
      } finally {
        values.dispose();
      }
    },
    async evaluate(batch) {
      requireFit(batch, network);
      enter();
      const values = await take(tf.tidy(() => lossAndAccuracy(network, lossName, batch)));
      return { loss: values[0] ?? Number.NaN, accuracy: values[1] ?? Number.NaN };
    },
    predict(x, count) {
      enter();
      return take(
        tf.tidy(() => {
          const input = tf.tensor(x, [count, ...network.inputShape], network.inputType);
          return network.forward(input, { training: false, seed: 0 });
        }),
      );
    },
    dispose() {
      enter();
      network.dispose();
    },
  };
}

/** `[..., outputs]` as `[rows, outputs]`. */
function rows(logits: tf.Tensor): tf.Tensor2D {
  const outputs = logits.shape[logits.rank - 1] ?? 1;
  return tf.reshape(logits, [logits.size / outputs, outputs]);
}

function upload(network: Network, loss: LossName, batch: Batch): { x: tf.Tensor; labels: tf.Tensor } {
  const x = tf.tensor(batch.x, [...batch.xShape], network.inputType);
  if (loss === 'softmaxCrossEntropy') return { x, labels: tf.tensor1d(batch.y, 'int32') };
  return { x, labels: tf.tensor(Float32Array.from(batch.y), [batch.count, batch.y.length / batch.count]) };
}

/** The update of every tensor and then the loss, end to end. Statistics keep the values they were given. */
function gradientAndLoss(network: Network, lossName: LossName, batch: Batch, seed: number): tf.Tensor1D {
  const { x, labels } = upload(network, lossName, batch);
  const trainable = network.tensors.filter(({ role }) => role === 'trainable');
  const statistics = network.tensors.filter(({ role }) => role === 'statistic');
  const before = new Map(statistics.map(({ variable }) => [variable, tf.clone(variable)]));
  const penalizedLoss = (): tf.Scalar => {
    const mean = losses[lossName].mean(rows(network.forward(x, { training: true, seed })), labels);
    return network.penalties().reduce((sum, penalty) => tf.add(sum, penalty), mean) as tf.Scalar;
  };
  try {
    const variables = trainable.map(({ variable }) => variable);
    const { value, grads } = tf.variableGrads(penalizedLoss, variables);
    const parts = network.tensors.map((tensor) => updateOf(tensor, grads, before));
    return tf.concat1d([...parts, tf.reshape(value, [1])]);
  } finally {
    for (const [variable, value] of before) variable.assign(value);
  }
}

function lossAndAccuracy(network: Network, lossName: LossName, batch: Batch): tf.Tensor {
  const { mean, accuracy } = losses[lossName];
  const { x, labels } = upload(network, lossName, batch);
  const logits = rows(network.forward(x, { training: false, seed: 0 }));
  return tf.stack([mean(logits, labels), accuracy?.(logits, labels) ?? tf.scalar(0)]);
}

/** Reads a float32 tensor back and disposes of it. */
async function take(tensor: tf.Tensor): Promise<Float32Array> {
  try {
    return (await tensor.data()) as Float32Array;
  } finally {
    tensor.dispose();
  }
}

/** Parameters that the loss does not reach have a gradient of zero. */
function updateOf(
  { role, variable }: NetworkTensor,
  grads: { readonly [name: string]: tf.Tensor | undefined },
  before: ReadonlyMap<tf.Variable, tf.Tensor>,
): tf.Tensor1D {
  if (role === 'trainable')
    return tf.reshape(grads[variable.name] ?? tf.zerosLike(variable), [variable.size]);
  const old = before.get(variable);
  assert(old !== undefined, 'every statistic has a value before the pass');
  return tf.reshape(tf.sub(variable, old), [variable.size]);
}

function assign(tensors: readonly NetworkTensor[], manifest: ParameterManifest, flat: Float32Array): void {
  tf.tidy(() => {
    const lengths = manifest.tensors.map(({ length }) => length);
    const parts = tf.split(tf.tensor1d(flat), lengths);
    tensors.forEach(({ variable }, index) => {
      const part = parts[index];
      assert(part !== undefined, 'one part for each tensor');
      variable.assign(tf.reshape(part, variable.shape));
    });
  });
}

function requireLength(given: number, needed: number): void {
  if (given === needed) return;
  throw new GradswarmError('wrongLength', `The model has ${needed} parameters, but ${given} values came.`);
}

function requireFit(batch: Batch, network: Network): void {
  const { inputShape } = network;
  const fits =
    batch.count > 0 &&
    batch.xShape.length === inputShape.length + 1 &&
    batch.xShape[0] === batch.count &&
    inputShape.every((size, axis) => size === batch.xShape[axis + 1]);
  if (fits) return;
  throw new GradswarmError(
    'badRequest',
    `The model reads batches of shape [count, ${inputShape.join(', ')}], but [${batch.xShape.join(', ')}] came.`,
    'batch',
  );
}
