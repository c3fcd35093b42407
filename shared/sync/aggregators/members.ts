import { assert } from '../../base/assert.ts';
import type { Members } from './aggregator.ts';

export function allOf(vectors: readonly Float32Array[]): number[] {
  return vectors.map((_, index) => index);
}

export function vectorOf(vectors: readonly Float32Array[], index: number): Float32Array {
  const vector = vectors[index];
  assert(vector !== undefined, `member ${index} is there`);
  return vector;
}

export function weightOf({ weights }: Members, index: number): number {
  const weight = weights[index];
  assert(weight !== undefined, `member ${index} has a weight`);
  return weight;
}

export function subsetOf(members: Members, indices: readonly number[]): Members {
  return {
    vectors: indices.map((index) => vectorOf(members.vectors, index)),
    weights: indices.map((index) => weightOf(members, index)),
  };
}

/** As if each counted alike. */
export function unweighted({ vectors }: Members): Members {
  return { vectors, weights: vectors.map(() => 1) };
}
