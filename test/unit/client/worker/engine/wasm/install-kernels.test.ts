import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { installWasmKernels } from '../../../../../../client/worker/engine/wasm/install-kernels.ts';
import { startBackends } from './two-backends.ts';

beforeAll(startBackends);
beforeEach(async () => {
  await tf.setBackend('wasm');
});

/** Kernels of the CPU backend that no gradient in TensorFlow.js reaches. */
const notForTraining = [
  'Complex',
  'ComplexAbs',
  'Draw',
  'Einsum',
  'FFT',
  'IFFT',
  'Imag',
  'RaggedGather',
  'RaggedRange',
  'RaggedTensorToTensor',
  'Real',
  'StaticRegexReplace',
];

function namesOf(backend: string): string[] {
  return tf.getKernelsForBackend(backend).map(({ kernelName }) => kernelName);
}

describe('installWasmKernels', () => {
  it('supplies every kernel that training needs', () => {
    const wasm = new Set(namesOf('wasm'));
    expect(namesOf('cpu').filter((name) => !wasm.has(name))).toEqual(notForTraining);
  });

  it('changes nothing when called again', () => {
    const warn = vi.spyOn(console, 'warn');
    const before = tf.getKernelsForBackend('wasm');
    installWasmKernels();
    const after = tf.getKernelsForBackend('wasm');
    expect(after.map(({ kernelFunc }) => kernelFunc)).toEqual(before.map(({ kernelFunc }) => kernelFunc));
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
  });

  it('keeps to the build without threads', () => {
    expect(tf.env().getBool('WASM_HAS_MULTITHREAD_SUPPORT')).toBe(false);
  });

  it('makes a full heap an error that leaves the backend in order', () => {
    const backend = tf.backend() as BackendWasm;
    const dataBefore = backend.numDataIds();
    for (const elements of [2 ** 30 - 1, 2 ** 30, 2 ** 31]) {
      expect(() => backend.makeOutput([elements], 'float32')).toThrow('smaller batch');
    }
    expect(backend.numDataIds()).toBe(dataBefore);
    expect([...tf.tidy(() => tf.matMul(tf.ones([2, 3]), tf.ones([3, 1])).dataSync())]).toEqual([3, 3]);
  });

  it('refuses layouts and types that nobody computes', () => {
    const attributes = { strides: 1, pad: 'same', dataFormat: 'NCHW', filterShape: [3, 3, 2, 2] };
    tf.tidy(() => {
      const x = tf.zeros([1, 2, 5, 5]);
      expect(() => tf.engine().runKernel('Conv2DBackpropFilter', { x, dy: x }, attributes)).toThrow('NHWC');
    });
  });
});
