import type { AggregatorFunction } from './aggregator.ts';
import { gridMean } from './grid-mean.ts';
import { unweighted } from './members.ts';

/** One member alone can move it anywhere. */
export const mean: AggregatorFunction<'mean'> = {
  kind: 'mean',
  membersMin: () => 1,
  aggregate: (_spec, members, target) => gridMean(unweighted(members), target),
};

export const weightedMean: AggregatorFunction<'weightedMean'> = {
  kind: 'weightedMean',
  membersMin: () => 1,
  aggregate: (_spec, members, target) => gridMean(members, target),
};
