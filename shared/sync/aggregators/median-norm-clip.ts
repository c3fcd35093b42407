import { squaredNorm } from '../../tensor/kernels.ts';
import type { AggregatorFunction } from './aggregator.ts';
import { middleOf, sortNumbers } from './columns.ts';
import { moveCentre } from './grid-mean.ts';

/** The weighted mean of vectors of which none is longer than the middle one: nobody counts by shouting. */
export const medianNormClip: AggregatorFunction<'medianNormClip'> = {
  kind: 'medianNormClip',
  membersMin: () => 1,
  aggregate(_spec, members, target) {
    const norms = Float64Array.from(members.vectors, (vector) => Math.sqrt(squaredNorm(vector)));
    const sorted = norms.slice();
    sortNumbers(sorted);
    const middle = middleOf(sorted);
    const centre = new Float64Array(target.length);
    moveCentre(
      centre,
      members,
      norms.map((norm) => (norm <= middle ? 1 : middle / norm)),
    );
    target.set(centre);
  },
};
