import { createRandom, type Random } from '../../../shared/base/random.ts';
import type { ModelEnds } from '../../../shared/model/model-spec.ts';
import type { TrainableModel } from '../model/trainable-model.ts';

export interface TextSampling {
  /** 1 follows the model's probabilities; less is bolder, 0 always takes the likeliest token. */
  readonly temperature: number;
  readonly seed: number;
}

/** Continues `prompt` token by token; the model sees the last `context` tokens. */
export async function sampleTokens(
  model: TrainableModel,
  ends: ModelEnds,
  prompt: readonly number[],
  count: number,
  { temperature, seed }: TextSampling,
): Promise<number[]> {
  const context = ends.inputShape[0] ?? 1;
  const vocabulary = ends.outputSize;
  const random = createRandom(seed);
  const tokens = prompt.length > 0 ? [...prompt] : [0];
  const start = tokens.length;
  while (tokens.length < start + count) {
    const window = tokens.slice(-context);
    // Padding comes after the window, where a causal model does not look.
    const x = new Int32Array(context);
    x.set(window);
    const logits = await model.predict(x, 1);
    const last = (window.length - 1) * vocabulary;
    tokens.push(draw(logits.subarray(last, last + vocabulary), temperature, random));
  }
  return tokens.slice(start);
}

function draw(logits: Float32Array, temperature: number, random: Random): number {
  const likeliest = logits.reduce((best, value, token) => (value > (logits[best] ?? 0) ? token : best), 0);
  if (temperature <= 0) return likeliest;
  const top = logits[likeliest] ?? 0;
  const weights = Float64Array.from(logits, (value) => Math.exp((value - top) / temperature));
  let left = random.unit() * weights.reduce((sum, weight) => sum + weight, 0);
  for (let token = 0; token < weights.length; token++) {
    left -= weights[token] ?? 0;
    if (left < 0) return token;
  }
  return likeliest;
}
