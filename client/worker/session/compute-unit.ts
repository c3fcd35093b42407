import { GradswarmError } from '../../../shared/base/errors.ts';
import type { Batch } from '../../../shared/data/batch.ts';
import { firstLocalStep } from '../../../shared/job/unit-samples.ts';
import type { LocalTraining } from '../../../shared/optim/local-training.ts';
import { trainLocally } from '../compute/local-steps.ts';
import type { TrainedUnit, UnitRunner } from '../compute/unit-runner.ts';
import type { UnitResult } from './contribution-desk.ts';
import type { JobContext } from './job-context.ts';
import type { HeldLease } from './lease.ts';

type UnitSamples = Pick<HeldLease, 'kind' | 'sampleStart' | 'sampleCount'>;

/** The unit's samples, or the first of them where it has local steps: so much is read while the unit before is computed. */
export function readFirstBatch(job: JobContext, lease: UnitSamples): Promise<Batch> {
  return readStep(job, lease, 0);
}

function readStep(job: JobContext, lease: UnitSamples, step: number): Promise<Batch> {
  const { kind, sampleStart, sampleCount } = lease;
  const batchSize = hasLocalSteps(job, lease) ? job.document.batchSize : sampleCount;
  return job.reader.read(kind, sampleStart + step * batchSize, batchSize);
}

function hasLocalSteps({ document }: JobContext, { kind }: UnitSamples): boolean {
  return kind === 'train' && document.localSteps !== undefined;
}

/**
 * Computes a unit, whose batches are given back.
 * @param runner with the parameters that the job holds now
 * @param first what `readFirstBatch` read
 * @param mayGoOn asked between local steps
 * @returns undefined when the unit was given up between two steps
 * @throws whatever keeps it from being computed
 */
export async function computeUnit(
  runner: UnitRunner,
  job: JobContext,
  lease: HeldLease,
  first: Batch,
  mayGoOn: () => Promise<boolean>,
): Promise<UnitResult | undefined> {
  if (job.localTraining !== undefined && hasLocalSteps(job, lease)) {
    job.forgetLoaded();
    const trained = await trainSteps(runner, job, job.localTraining, lease, first, mayGoOn);
    return trained && { kind: 'train', trained };
  }
  const result = await resultOf(runner, job, lease, first);
  // Not after a failure: the device may still read them.
  job.reader.giveBack(first);
  return result;
}

async function resultOf(
  runner: UnitRunner,
  { document }: JobContext,
  { kind, seed }: HeldLease,
  batch: Batch,
): Promise<UnitResult> {
  if (kind === 'evaluate') return { kind, evaluated: await runner.evaluate(batch) };
  const [codec, ...others] = document.codec.up;
  // Codecs that carry something over need the values themselves.
  const isInt8 = codec?.kind === 'int8' && others.length === 0;
  if (!isInt8 || runner.trainToInt8 === undefined) return { kind, trained: await runner.train(batch, seed) };
  return { kind: 'quantised', quantised: await runner.trainToInt8(batch, seed) };
}

/** The lease tells the number of steps: the coordinator may change it from round to round. */
function trainSteps(
  runner: UnitRunner,
  job: JobContext,
  training: LocalTraining,
  lease: HeldLease,
  first: Batch,
  mayGoOn: () => Promise<boolean>,
): Promise<TrainedUnit | undefined> {
  const { document, parameters, reader } = job;
  const steps = lease.sampleCount / document.batchSize;
  if (!Number.isInteger(steps)) {
    const message = `A unit of local steps has whole batches of ${document.batchSize}, not ${lease.sampleCount} samples.`;
    throw new GradswarmError('badRequest', message, 'lease.sampleCount');
  }
  const { version, seed } = lease;
  const unit = { start: parameters.flat, version, seed, steps, firstStep: firstLocalStep(document, lease) };
  const batches = {
    read: (step: number) => (step === 0 ? Promise.resolve(first) : readStep(job, lease, step)),
    giveBack: reader.giveBack,
  };
  return trainLocally(runner, training, unit, batches, mayGoOn);
}
