import { createRandom, mixSeed } from '../../shared/base/random.ts';

/** A made-up gradient: a fixed function of the parameters, the unit's seed and its samples. */
export function computeUpdate(
  parameters: Float32Array,
  seed: number,
  sampleStart: number,
): { readonly payload: Uint8Array; readonly loss: number } {
  const random = createRandom(mixSeed(seed, sampleStart));
  const update = parameters.map((value) => value * 0.01 + (random.unit() - 0.5) * 0.1);
  return { payload: new Uint8Array(update.buffer), loss: random.unit() };
}

export function computeEvaluation(
  parameters: Float32Array,
  sampleStart: number,
  samples: number,
): { readonly lossSum: number; readonly correct: number } {
  const sum = parameters.reduce((total, value) => total + Math.abs(value), 0);
  return { lossSum: sum * samples, correct: (sampleStart + samples) % (samples + 1) };
}
