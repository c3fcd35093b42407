import { createRandom } from '../../../../../shared/base/random.ts';
import type { Members } from '../../../../../shared/sync/aggregators/aggregator.ts';
import type {
  AggregatorFunctionSpec,
  MixingSpec,
} from '../../../../../shared/sync/aggregators/aggregator-spec.ts';

/** Every built-in function once, with two liars where it asks for their number. */
export const specs = [
  { kind: 'mean' },
  { kind: 'weightedMean' },
  { kind: 'trimmedMean', trim: 2 },
  { kind: 'median' },
  { kind: 'geometricMedian' },
  { kind: 'krum', faulty: 2 },
  { kind: 'multiKrum', faulty: 2 },
  { kind: 'bulyan', faulty: 2 },
  { kind: 'centredClipping', radius: 0.5 },
  { kind: 'medianNormClip' },
] as const satisfies readonly AggregatorFunctionSpec[];

export const mixings = [
  { kind: 'bucketing', size: 2 },
  { kind: 'nearestNeighbourMixing', faulty: 2 },
] as const satisfies readonly MixingSpec[];

/** `count` vectors around one point. */
export function randomMembers(seed: number, count: number, length: number, spread = 1): Members {
  const random = createRandom(seed);
  const centre = Array.from({ length }, () => random.unit() - 0.5);
  return {
    vectors: Array.from({ length: count }, () =>
      Float32Array.from(centre, (value) => value + spread * (random.unit() - 0.5)),
    ),
    weights: Array.from({ length: count }, () => 1 + random.below(8)),
  };
}

export function permuted({ vectors, weights }: Members, seed: number): Members {
  const random = createRandom(seed);
  const order = vectors
    .map((_, index) => ({ index, key: random.unit() }))
    .sort((left, right) => left.key - right.key)
    .map(({ index }) => index);
  return {
    vectors: order.map((index) => vectors[index]!),
    weights: order.map((index) => weights[index]!),
  };
}

/** Replaces the last `count` members. */
export function withLiars({ vectors, weights }: Members, count: number, lie: Float32Array): Members {
  const honest = vectors.length - count;
  return { vectors: vectors.map((vector, index) => (index < honest ? vector : lie)), weights };
}
