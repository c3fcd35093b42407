import * as tf from '@tensorflow/tfjs-core';
import { GradswarmError } from '../../../shared/base/errors.ts';
import type { EngineName } from './engine.ts';

/**
 * Opens a registered back end and makes it the current one.
 * @throws GradswarmError `unavailable` when it does not start.
 */
export async function openBackend(name: EngineName): Promise<void> {
  // Silences advice to install another back end; without it every process would begin with a banner.
  tf.enableProdMode();
  const opened = await tf.setBackend(name);
  if (opened) return;
  throw new GradswarmError(
    'unavailable',
    `The ${name} back end of TensorFlow.js does not start here; choose another with --backend.`,
  );
}

/**
 * TensorFlow.js keeps the current back end in a global. Two users of one process (a compiler on `cpu`, a worker on
 * `wasm`) therefore call this before every synchronous stretch of tensor work. The back end must be open.
 */
export function enterBackend(name: EngineName): void {
  if (tf.getBackend() === name) return;
  // For an open back end `setBackend` does its work before it returns; the promise is a formality.
  void tf.setBackend(name);
}
