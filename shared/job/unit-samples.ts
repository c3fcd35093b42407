import type { JobDocument } from './job-document.ts';

/** Optimizer steps that a worker makes for one unit; 1 where units are gradients. */
export function stepsPerUnit({ localSteps }: Pick<JobDocument, 'localSteps'>): number {
  return localSteps?.steps ?? 1;
}

/** Samples of one training unit. */
export function samplesPerUnit(document: Pick<JobDocument, 'localSteps' | 'batchSize'>): number {
  return stepsPerUnit(document) * document.batchSize;
}

/** The samples of a unit in the job's stream, as its lease names them; the units of a round lie end to end. */
export interface UnitSpan {
  readonly unit: number;
  readonly sampleStart: number;
  readonly sampleCount: number;
}

/**
 * Place in the inner schedule of a unit's first local step: `round * steps`, told from the samples that the job took
 * before the round, so that it goes on evenly when rounds become longer or shorter.
 */
export function firstLocalStep(
  { unitsPerRound, batchSize }: Pick<JobDocument, 'unitsPerRound' | 'batchSize'>,
  { unit, sampleStart, sampleCount }: UnitSpan,
): number {
  return Math.floor((sampleStart - unit * sampleCount) / (unitsPerRound * batchSize));
}
