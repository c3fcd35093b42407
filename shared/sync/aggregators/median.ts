import type { AggregatorFunction } from './aggregator.ts';
import { middleOf, reduceSortedColumns } from './columns.ts';

/** Coordinate by coordinate (Yin et al. 2018). Every value lies between honest ones while fewer than half lie. */
export const median: AggregatorFunction<'median'> = {
  kind: 'median',
  membersMin: () => 1,
  aggregate: (_spec, { vectors }, target) => reduceSortedColumns(vectors, target, middleOf),
};
