import type { AggregatorFunction } from './aggregator.ts';
import { middleOf, reduceSortedColumns } from './columns.ts';
import { squaredDistance } from './distances.ts';
import { moveCentre } from './grid-mean.ts';

const iterations = 3;

/**
 * Karimireddy, He and Jaggi 2021: what differs from a centre by more than `radius` is cut back to it, then the mean
 * becomes the next centre. The first centre is the coordinate-wise median and not the last aggregate: a restart or another
 * leader would not always have that one.
 */
export const centredClipping: AggregatorFunction<'centredClipping'> = {
  kind: 'centredClipping',
  membersMin: () => 1,
  aggregate({ radius }, members, target) {
    reduceSortedColumns(members.vectors, target, middleOf);
    const centre = Float64Array.from(target);
    for (let iteration = 0; iteration < iterations; iteration++) {
      const scales = Float64Array.from(members.vectors, (vector) => {
        const distance = Math.sqrt(squaredDistance(vector, centre));
        return distance <= radius ? 1 : radius / distance;
      });
      moveCentre(centre, members, scales);
    }
    target.set(centre);
  },
};
