import { assert } from '../../base/assert.ts';
import type { AggregatorFunction } from './aggregator.ts';
import { meanOfRange, middleOf, reduceSortedColumns } from './columns.ts';
import { squaredDistances } from './distances.ts';
import { krumOrder } from './krum.ts';
import { allOf, vectorOf } from './members.ts';

/**
 * Guerraoui, El Mhamdi and Rouault 2018: Krum chooses `n - 2 f` members one after the other; of these, every coordinate
 * is the mean of the `n - 4 f` values that are nearest to their median.
 */
export const bulyan: AggregatorFunction<'bulyan'> = {
  kind: 'bulyan',
  membersMin: ({ faulty }) => 4 * faulty + 3,
  aggregate({ faulty }, { vectors }, target) {
    const chosen = choose(vectors, vectors.length - 2 * faulty, faulty);
    const kept = chosen.length - 2 * faulty;
    reduceSortedColumns(chosen, target, (sorted) => meanAroundMedian(sorted, kept));
  },
};

function choose(vectors: readonly Float32Array[], count: number, faulty: number): Float32Array[] {
  const distances = squaredDistances(vectors);
  let candidates = allOf(vectors);
  const chosen: Float32Array[] = [];
  while (chosen.length < count) {
    const [best] = krumOrder(vectors, candidates, distances, faulty);
    assert(best !== undefined, 'somebody is left to choose');
    chosen.push(vectorOf(vectors, best));
    candidates = candidates.filter((member) => member !== best);
  }
  return chosen;
}

/** The values nearest to the median stand side by side; of two such ranges the lower one is taken. */
function meanAroundMedian(sorted: Float64Array, kept: number): number {
  const median = middleOf(sorted);
  let start = 0;
  while (start + kept < sorted.length && sorted[start + kept]! - median < median - sorted[start]!) start++;
  return meanOfRange(sorted, start, start + kept);
}
