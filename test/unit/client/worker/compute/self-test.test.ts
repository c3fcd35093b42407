import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createNodeEngineHome } from '../../../../../client/node/engine-home.ts';
import { selfTest } from '../../../../../client/worker/compute/self-test.ts';
import type { Engine } from '../../../../../client/worker/engine/engine.ts';
import { openEngine } from '../../../../../client/worker/engine/open-engine.ts';

let engine: Engine;
beforeEach(async () => {
  engine = await openEngine('wasm', createNodeEngineHome());
});
afterEach(() => engine.close());

describe('a device that computes right', () => {
  it.each(['mlp', 'cnn', 'gpt', 'layers'])('passes for a %s, and stays the current one', async (kind) => {
    await expect(selfTest(engine, kind)).resolves.toBeUndefined();
    expect(tf.getBackend()).toBe('wasm');
  });

  it('leaves no tensor behind', async () => {
    const before = tf.memory().numTensors;
    await selfTest(engine, 'layers');
    expect(tf.memory().numTensors).toBe(before);
  });
});

/** Runs `work` on a device whose kernel `name` changes the first value of every result. */
async function withBrokenKernel(
  name: string,
  change: (value: number) => number,
  work: () => Promise<void>,
): Promise<void> {
  const sound = tf.getKernel(name, 'wasm');
  tf.unregisterKernel(name, 'wasm');
  tf.registerKernel({
    ...sound,
    kernelFunc(call) {
      const result = sound.kernelFunc(call) as tf.TensorInfo;
      const values = (call.backend as unknown as BackendWasm).typedArrayFromHeap(result);
      values[0] = change(values[0] ?? 0);
      return result;
    },
  });
  try {
    await work();
  } finally {
    tf.unregisterKernel(name, 'wasm');
    tf.registerKernel(sound);
  }
}

describe('a device that computes wrong is refused, with the figures', () => {
  it.each([
    ['a little', (value: number) => value + 0.02, /differs from the CPU by \d\.\de[+-]\d/],
    ['zero', () => 0, /differs from the CPU/],
    ['NaN', () => Number.NaN, /NaN or an infinity/],
  ])('%s', async (_, change, message) => {
    await withBrokenKernel('Transpose', change, async () => {
      await expect(selfTest(engine, 'gpt')).rejects.toMatchObject({
        code: 'selfTestFailed',
        message: expect.stringMatching(message),
      });
    });
    await expect(selfTest(engine, 'gpt')).resolves.toBeUndefined();
  });
});
