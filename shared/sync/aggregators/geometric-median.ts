import { toGrid } from '../../tensor/grid.ts';
import type { AggregatorFunction, Members } from './aggregator.ts';
import { middleOf, reduceSortedColumns, sortNumbers } from './columns.ts';
import { squaredDistance } from './distances.ts';
import { weightOf } from './members.ts';

const iterationsMax = 32;
/** A step shorter than this part of the middle distance ends the search. */
const tolerance = 1e-5;
/** Distances count as no less than this part of the middle one, so that a member at the centre does not divide by zero. */
const smoothing = 1e-6;

/**
 * The point whose weighted distances to the members have the least sum, by Weiszfeld's steps with smoothed distances
 * (Pillutla et al. 2022), from the coordinate-wise median on. It stays near the honest ones while they have more than
 * half of the weight.
 */
export const geometricMedian: AggregatorFunction<'geometricMedian'> = {
  kind: 'geometricMedian',
  membersMin: () => 1,
  aggregate(_spec, members, target) {
    reduceSortedColumns(members.vectors, target, middleOf);
    const centre = Float64Array.from(target);
    for (let iteration = 0; iteration < iterationsMax; iteration++) {
      const distances = Float64Array.from(members.vectors, (vector) =>
        Math.sqrt(squaredDistance(vector, centre)),
      );
      const middle = middleDistance(distances);
      if (middle === 0) break;
      const pulls = normalised(distances.map((distance, index) => pull(members, index, distance, middle)));
      if (step(centre, members, pulls) <= tolerance * middle) break;
    }
    target.set(centre);
  },
};

function pull(members: Members, index: number, distance: number, middle: number): number {
  return weightOf(members, index) / Math.max(distance, smoothing * middle);
}

function middleDistance(distances: Float64Array): number {
  const sorted = distances.slice();
  sortNumbers(sorted);
  return middleOf(sorted);
}

/** The largest becomes 1, and all lie on the grid, where their sum is exact. */
function normalised(pulls: Float64Array): Float64Array {
  const largest = pulls.reduce((left, right) => Math.max(left, right), 0);
  return pulls.map((value) => toGrid(value / largest));
}

/** Moves the centre to the mean that the pulls weigh; returns how far. */
function step(centre: Float64Array, { vectors }: Members, pulls: Float64Array): number {
  const sum = new Float64Array(centre.length);
  vectors.forEach((vector, member) => {
    const weight = pulls[member]!;
    for (let index = 0; index < sum.length; index++) {
      sum[index]! += toGrid(weight * (vector[index]! - centre[index]!));
    }
  });
  const total = pulls.reduce((left, right) => left + right, 0);
  let squared = 0;
  for (let index = 0; index < sum.length; index++) {
    const move = sum[index]! / total;
    centre[index]! += move;
    squared += move * move;
  }
  return Math.sqrt(squared);
}
