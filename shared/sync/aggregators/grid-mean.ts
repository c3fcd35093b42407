import { accumulate, mean, toGrid } from '../../tensor/grid.ts';
import type { Members } from './aggregator.ts';
import { weightOf } from './members.ts';

export function totalWeight({ weights }: Members): number {
  return weights.reduce((sum, weight) => sum + weight, 0);
}

/** The weighted mean, exactly as the sum of a round takes it. */
export function gridMean(members: Members, target: Float32Array): void {
  const sum = new Float64Array(target.length);
  for (const [index, vector] of members.vectors.entries()) accumulate(sum, vector, weightOf(members, index));
  mean(sum, totalWeight(members), target);
}

/**
 * Adds the weighted mean of `scales[i] * (vector[i] - centre)` to the centre. Each summand is rounded to the grid, so the
 * sum does not depend on the order of the members.
 */
export function moveCentre(centre: Float64Array, members: Members, scales: Float64Array): void {
  const sum = new Float64Array(centre.length);
  members.vectors.forEach((vector, member) => {
    const weight = weightOf(members, member);
    const scale = scales[member]!;
    for (let index = 0; index < sum.length; index++) {
      sum[index]! += toGrid(scale * (vector[index]! - centre[index]!)) * weight;
    }
  });
  const weight = totalWeight(members);
  for (let index = 0; index < sum.length; index++) centre[index]! += sum[index]! / weight;
}
