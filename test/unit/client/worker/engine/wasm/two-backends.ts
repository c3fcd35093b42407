import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import type { NamedTensorMap, Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
// Registers the gradients of all operations.
import '@tensorflow/tfjs-layers';
import { expect } from 'vitest';
import { installWasmKernels } from '../../../../../../client/worker/engine/wasm/install-kernels.ts';

export type BackendName = 'cpu' | 'wasm';

/** Largest difference that rounding explains, relative to the largest value of the tensor. */
export const tolerance = 1e-5;

/** Installs the kernels and starts the WASM backend from the files of the package. */
export async function startBackends(): Promise<void> {
  const entry = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm');
  setWasmPaths(`${dirname(entry)}/`);
  installWasmKernels();
  await tf.setBackend('wasm');
}

/** Runs `compute` on a backend and returns the values of every tensor it gives, by name; leaves no tensor behind. */
export async function valuesOn(
  backend: BackendName,
  compute: () => Tensor | NamedTensorMap,
): Promise<Record<string, { shape: number[]; dtype: string; values: Float32Array }>> {
  await tf.setBackend(backend);
  const tensorsBefore = tf.memory().numTensors;
  const dataBefore = tf.engine().backend.numDataIds();
  const results = tf.tidy(compute);
  const named: NamedTensorMap = results instanceof tf.Tensor ? { result: results } : results;
  const read = Object.fromEntries(
    Object.entries(named).map(([name, tensor]) => {
      const values = Float32Array.from(tensor.dataSync());
      return [name, { shape: tensor.shape, dtype: tensor.dtype, values }];
    }),
  );
  tf.dispose(results);
  expect(tf.memory().numTensors, 'tensors left behind').toBe(tensorsBefore);
  if (backend === 'wasm') expect(tf.engine().backend.numDataIds(), 'data left behind').toBe(dataBefore);
  return read;
}

/** The WASM backend gives what the CPU backend gives, and the same bits when asked twice. */
export async function expectAgreement(compute: () => Tensor | NamedTensorMap): Promise<void> {
  const expected = await valuesOn('cpu', compute);
  const actual = await valuesOn('wasm', compute);
  const again = await valuesOn('wasm', compute);
  expect(Object.keys(actual)).toEqual(Object.keys(expected));
  for (const [name, { shape, dtype, values }] of Object.entries(expected)) {
    expect(actual[name]?.shape, name).toEqual(shape);
    expect(actual[name]?.dtype, name).toBe(dtype);
    const found = actual[name]?.values ?? new Float32Array();
    expect(relativeDifference(values, found), name).toBeLessThanOrEqual(tolerance);
    expect(bitsOf(again[name]?.values ?? new Float32Array()), `${name} twice`).toEqual(bitsOf(found));
  }
}

/** Largest absolute difference over the largest absolute expected value; infinite when a value is not a number. */
export function relativeDifference(expected: Float32Array, actual: Float32Array): number {
  let largest = 0;
  let difference = 0;
  for (let index = 0; index < expected.length; index++) {
    const [want, have] = [expected[index] ?? Number.NaN, actual[index] ?? Number.NaN];
    if (Object.is(want, have)) continue;
    const apart = Math.abs(want - have);
    difference = Math.max(difference, Number.isNaN(apart) ? Number.POSITIVE_INFINITY : apart);
    largest = Math.max(largest, Math.abs(want));
  }
  for (const value of expected) if (Number.isFinite(value)) largest = Math.max(largest, Math.abs(value));
  return difference === 0 ? 0 : difference / Math.max(largest, Number.MIN_VALUE);
}

function bitsOf(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}

/** Reproducible values in [-1, 1), different for each seed. */
export function randomValues(count: number, seed: number): Float32Array {
  let state = (seed * 2654435761) >>> 0;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state ^ (state >>> 15), 2246822519) + 0x9e3779b9) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

export function randomTensor<R extends tf.Rank>(shape: tf.ShapeMap[R], seed: number): tf.Tensor<R> {
  return tf.tensor<R>(randomValues(tf.util.sizeFromShape(shape), seed), shape);
}

/** A scalar whose gradient with respect to `tensor` is random: an objective for gradient tests. */
export function weightedSum(tensor: tf.Tensor, seed = 99): tf.Scalar {
  return tf.sum(tf.mul(tensor, randomTensor(tensor.shape, seed)));
}
