import { createRandom } from '../../base/random.ts';
import type { Members } from './aggregator.ts';
import type { MixingKind, MixingSpec } from './aggregator-spec.ts';
import { compareVectors, squaredDistances } from './distances.ts';
import { gridMean, totalWeight } from './grid-mean.ts';
import { allOf, subsetOf, unweighted, vectorOf } from './members.ts';

interface Mixing<Kind extends MixingKind> {
  /** Members such that what comes out is `needed` at least. */
  membersMin(spec: Extract<MixingSpec, { readonly kind: Kind }>, needed: number): number;
  mix(spec: Extract<MixingSpec, { readonly kind: Kind }>, members: Members, seed: number): Members;
}

const mixings: { readonly [Kind in MixingKind]: Mixing<Kind> } = {
  bucketing: {
    membersMin: ({ size }, needed) => (needed - 1) * size + 1,
    mix: ({ size }, members, seed) => intoBuckets(members, size, seed),
  },
  nearestNeighbourMixing: {
    membersMin: ({ faulty }, needed) => Math.max(needed, 2 * faulty + 1),
    mix: ({ faulty }, members) => mixNeighbours(members, faulty),
  },
};

function mixingOf(spec: MixingSpec): Mixing<MixingKind> {
  return mixings[spec.kind] as Mixing<MixingKind>;
}

export function mixingMembersMin(spec: MixingSpec, needed: number): number {
  return mixingOf(spec).membersMin(spec, needed);
}

/** `seed` decides who shares a bucket. */
export function mix(spec: MixingSpec, members: Members, seed: number): Members {
  return mixingOf(spec).mix(spec, members, seed);
}

/**
 * Karimireddy, He and Jaggi 2022: means of `size` members that chance puts together differ less from one another than the
 * members do, where data are not alike; but one liar spoils a whole bucket.
 */
function intoBuckets(members: Members, size: number, seed: number): Members {
  const order = shuffled(allOf(members.vectors), seed);
  const vectors: Float32Array[] = [];
  const weights: number[] = [];
  for (let start = 0; start < order.length; start += size) {
    const bucket = subsetOf(members, order.slice(start, start + size));
    const mean = new Float32Array(vectorOf(members.vectors, 0).length);
    gridMean(bucket, mean);
    vectors.push(mean);
    weights.push(totalWeight(bucket));
  }
  return { vectors, weights };
}

/** Allouah et al. 2023: every vector becomes the mean of the `n - faulty` that are nearest to it, itself among them. */
function mixNeighbours(members: Members, faulty: number): Members {
  const { vectors, weights } = members;
  const count = vectors.length - faulty;
  const distances = squaredDistances(vectors);
  const mixed = vectors.map((vector, member) => {
    const distanceTo = (other: number): number => distances[member * vectors.length + other] ?? 0;
    const nearest = allOf(vectors).sort(
      (left, right) =>
        distanceTo(left) - distanceTo(right) ||
        compareVectors(vectorOf(vectors, left), vectorOf(vectors, right)),
    );
    const mean = new Float32Array(vector.length);
    gridMean(unweighted(subsetOf(members, nearest.slice(0, count))), mean);
    return mean;
  });
  return { vectors: mixed, weights };
}

/** Fisher and Yates. */
function shuffled(items: number[], seed: number): number[] {
  const random = createRandom(seed);
  for (let last = items.length - 1; last > 0; last--) {
    const other = random.below(last + 1);
    [items[last], items[other]] = [items[other]!, items[last]!];
  }
  return items;
}
