import { assert } from '../../base/assert.ts';
import type { AggregatorFunction } from './aggregator.ts';
import { sortNumbers } from './columns.ts';
import { compareVectors, squaredDistances } from './distances.ts';
import { gridMean } from './grid-mean.ts';
import { allOf, subsetOf, vectorOf } from './members.ts';

/** Of the members that `faulty` may lie among: Krum's promise needs 2 f + 3 (Blanchard et al. 2017). */
export function krumMembersMin({ faulty }: { readonly faulty: number }): number {
  return 2 * faulty + 3;
}

/** The member that is nearest to its `n - faulty - 2` nearest neighbours. */
export const krum: AggregatorFunction<'krum'> = {
  kind: 'krum',
  membersMin: krumMembersMin,
  aggregate({ faulty }, { vectors }, target) {
    const [best] = krumOrder(vectors, allOf(vectors), squaredDistances(vectors), faulty);
    assert(best !== undefined, 'somebody is nearest');
    const chosen = vectorOf(vectors, best);
    // Adding zero makes one zero of the two: vectors that compare as equal give equal bits.
    for (let index = 0; index < target.length; index++) target[index] = chosen[index]! + 0;
  },
};

/** The mean of the `n - faulty` members that Krum likes best. */
export const multiKrum: AggregatorFunction<'multiKrum'> = {
  kind: 'multiKrum',
  membersMin: krumMembersMin,
  aggregate({ faulty }, members, target) {
    const { vectors } = members;
    const order = krumOrder(vectors, allOf(vectors), squaredDistances(vectors), faulty);
    gridMean(subsetOf(members, order.slice(0, vectors.length - faulty)), target);
  },
};

/** `candidates` from the best to the worst; equal scores are decided by the vectors' values. */
export function krumOrder(
  vectors: readonly Float32Array[],
  candidates: readonly number[],
  distances: Float64Array,
  faulty: number,
): number[] {
  const neighbours = Math.max(1, candidates.length - faulty - 2);
  const scores = new Map(
    candidates.map((member) => [member, score(member, candidates, distances, vectors.length, neighbours)]),
  );
  const scoreOf = (member: number): number => scores.get(member) ?? 0;
  return [...candidates].sort(
    (left, right) =>
      scoreOf(left) - scoreOf(right) || compareVectors(vectorOf(vectors, left), vectorOf(vectors, right)),
  );
}

/** Sum of the squared distances to the nearest others, from the nearest on. */
function score(
  member: number,
  candidates: readonly number[],
  distances: Float64Array,
  width: number,
  neighbours: number,
): number {
  const others = candidates.filter((other) => other !== member);
  const sorted = Float64Array.from(others, (other) => distances[member * width + other]!);
  sortNumbers(sorted);
  return sorted.subarray(0, neighbours).reduce((sum, distance) => sum + distance, 0);
}
