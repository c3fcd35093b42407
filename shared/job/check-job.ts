import { GradswarmError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { codecText } from '../codec/codec-spec.ts';
import { checkModelSpec } from '../model/check-model.ts';
import type { OptimizerSpec } from '../optim/optimizer-spec.ts';
import { checkMembers, checkSumming } from './check-aggregator.ts';
import { checkStrategy } from './check-strategy.ts';
import type { JobDocument } from './job-document.ts';
import { samplesPerUnit } from './unit-samples.ts';

function refuse(message: string, field: string): never {
  throw new GradswarmError('badRequest', message, field);
}

/**
 * Relations between the fields of a job that a schema cannot say.
 * @throws GradswarmError `badRequest` with the field and the remedy.
 */
export function checkJob(document: JobDocument): void {
  checkModelSpec(document.model);
  checkSchedule(document.optimizer, 'optimizer');
  checkLocalSteps(document);
  checkCodecs(document);
  checkMembers(document);
  checkSumming(document);
  checkStrategy(document);
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

function checkSchedule({ schedule }: OptimizerSpec, optimizerField: string): void {
  const { warmupRounds = 0, totalRounds, decay = 'constant' } = schedule ?? {};
  const field = `${optimizerField}.schedule`;
  if (decay !== 'constant' && totalRounds === undefined) {
    refuse(
      `${field}.totalRounds is missing: a ${decay} decay needs to know where it ends.`,
      `${field}.totalRounds`,
    );
  }
  if (totalRounds !== undefined && warmupRounds >= totalRounds) {
    refuse(
      `${field}.warmupRounds must be less than totalRounds (${totalRounds}), but is ${warmupRounds}.`,
      `${field}.warmupRounds`,
    );
  }
}

/** The schema takes a bare name and an object of the same meaning for different. */
function checkCodecs({ codec }: JobDocument): void {
  const texts = codec.up.map(codecText);
  const index = texts.findIndex((text, place) => texts.indexOf(text) < place);
  if (index < 0) return;
  const field = `codec.up[${index}]`;
  refuse(`${field} is ${texts[index]}, which the list has already: name each codec once.`, field);
}

function checkLocalSteps(document: JobDocument): void {
  const { localSteps, batchSize } = document;
  if (localSteps === undefined) return;
  checkSchedule(localSteps.optimizer, 'localSteps.optimizer');
  const samples = samplesPerUnit(document);
  if (samples > limits.unitSamplesMax) {
    refuse(
      `localSteps.steps is ${localSteps.steps}: with a batchSize of ${batchSize} a unit would have ${samples} samples, ` +
        `more than ${limits.unitSamplesMax}.`,
      'localSteps.steps',
    );
  }
}
