import type { AggregatorFunction } from './aggregator.ts';
import { meanOfRange, reduceSortedColumns } from './columns.ts';

/** Yin et al. 2018. Every value lies between honest ones while at most `trim` members lie. */
export const trimmedMean: AggregatorFunction<'trimmedMean'> = {
  kind: 'trimmedMean',
  membersMin: ({ trim }) => 2 * trim + 1,
  aggregate: ({ trim }, { vectors }, target) =>
    reduceSortedColumns(vectors, target, (sorted) => meanOfRange(sorted, trim, sorted.length - trim)),
};
