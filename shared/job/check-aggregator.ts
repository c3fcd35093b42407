import { GradswarmError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { AggregatorSpec } from '../sync/aggregators/aggregator-spec.ts';
import { keepsVectors, membersMin } from '../sync/aggregators/aggregators.ts';
import { strategyOf } from '../sync/strategies.ts';
import type { RoundStrategySpec } from '../sync/strategy-spec.ts';
import type { JobDocument } from './job-document.ts';

/** The weighted mean when the job names none. */
export function aggregatorOf({ aggregator }: JobDocument): AggregatorSpec {
  return aggregator ?? { kind: 'weightedMean' };
}

/**
 * Whether a round of the job can have as many contributions as its aggregator needs, under any of its strategies.
 * @param needed where more is known than the job says: what an operator's own module needs.
 * @throws GradswarmError `tooFewMembers`.
 */
export function checkMembers(document: JobDocument, needed = membersMin(aggregatorOf(document))): void {
  const members = Math.min(...contributionsOfRounds(document));
  if (members >= needed) return;
  const { kind } = aggregatorOf(document);
  throw new GradswarmError(
    'tooFewMembers',
    `The aggregator ${kind} needs ${needed} contributions in a round, and a round of this job has ${members}: ` +
      'ask for more units, or expect fewer that are faulty.',
    'aggregator',
  );
}

/** @throws GradswarmError `tooLarge` when the vectors of a round would not fit. */
export function checkVectorsFit(document: JobDocument, parameters: number): void {
  const aggregator = aggregatorOf(document);
  if (!keepsVectors(aggregator)) return;
  const vectors = Math.max(...contributionsOfRounds(document));
  const bytes = 4 * vectors * parameters;
  if (bytes <= limits.roundVectorsBytesMax) return;
  throw new GradswarmError(
    'tooLarge',
    `The aggregator ${aggregator.kind} keeps every vector of a round: ${vectors} of ${parameters} parameters take ` +
      `${bytes} bytes, more than ${limits.roundVectorsBytesMax}. Ask for fewer units, or for a weightedMean.`,
    'aggregator',
  );
}

/** A ring passes sums around, not vectors. @throws GradswarmError `badRequest`. */
export function checkSumming(document: JobDocument): void {
  const aggregator = aggregatorOf(document);
  if (!keepsVectors(aggregator) || !strategiesOf(document).some(({ kind }) => kind === 'ringAllReduce'))
    return;
  throw new GradswarmError(
    'badRequest',
    `The aggregator ${aggregator.kind} needs every vector of a round, and a ring knows sums alone: ` +
      'use mean or weightedMean, or another strategy.',
    'aggregator.kind',
  );
}

/** Contributions of a round at most, under each strategy that the job may be run by. */
function contributionsOfRounds(document: JobDocument): number[] {
  return strategiesOf(document).map((spec) => strategyOf(spec).contributionsMax(document.unitsPerRound));
}

function strategiesOf({ strategy }: JobDocument): readonly RoundStrategySpec[] {
  return strategy.kind === 'adaptive' ? strategy.strategies : [strategy];
}
