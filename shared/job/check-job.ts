import { GradswarmError } from '../base/errors.ts';
import { checkModelSpec } from '../model/check-model.ts';
import type { JobDocument } from './job-document.ts';

function refuse(message: string, field: string): never {
  throw new GradswarmError('badRequest', message, field);
}

/**
 * Relations between the fields of a job that a schema cannot say.
 * @throws GradswarmError `badRequest` with the field and the remedy.
 */
export function checkJob(document: JobDocument): void {
  checkModelSpec(document.model);
  const { schedule } = document.optimizer;
  const decay = schedule?.decay ?? 'constant';
  if (decay !== 'constant' && schedule?.totalRounds === undefined) {
    refuse(
      `optimizer.schedule.totalRounds is missing: a ${decay} decay needs to know where it ends.`,
      'optimizer.schedule.totalRounds',
    );
  }
  const { warmupRounds = 0, totalRounds } = schedule ?? {};
  if (totalRounds !== undefined && warmupRounds >= totalRounds) {
    refuse(
      `optimizer.schedule.warmupRounds must be less than totalRounds (${totalRounds}), but is ${warmupRounds}.`,
      'optimizer.schedule.warmupRounds',
    );
  }
  if (document.stop.accuracy !== undefined && document.loss === 'meanSquaredError') {
    refuse('stop.accuracy has no meaning for a regression; use stop.loss or stop.rounds.', 'stop.accuracy');
  }
  const needsEvaluation = document.stop.accuracy !== undefined || document.stop.loss !== undefined;
  if (needsEvaluation && document.evaluation.samplesMax === 0) {
    refuse(
      'evaluation.samplesMax is 0, but the stop rule waits for an evaluation; give it test samples.',
      'evaluation.samplesMax',
    );
  }
}
