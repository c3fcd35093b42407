import type { Batch } from '../../../shared/data/batch.ts';
import type { EvaluatedUnit, TrainedUnit, UnitRunner } from '../compute/unit-runner.ts';
import type { Engine } from '../engine/engine.ts';
import type { JobContext } from './job-context.ts';
import type { JobShelf } from './job-shelf.ts';
import type { HeldLease } from './lease.ts';
import type { HeldParameters } from './parameter-follower.ts';
import { messageOf, WorkerFailure } from './refusal.ts';

export type UnitResult =
  | { readonly kind: 'train'; readonly trained: TrainedUnit }
  | { readonly kind: 'evaluate'; readonly evaluated: EvaluatedUnit };

export interface UnitWork {
  readonly lease: HeldLease;
  readonly job: JobContext;
  readonly held: HeldParameters;
  readonly batch: Batch;
}

/**
 * Computes one unit. When the device is lost meanwhile, it is opened again and the unit computed once more.
 * @throws WorkerFailure when there is no device any more; anything else concerns this unit.
 */
export async function computeUnit(work: UnitWork, engine: Engine, shelf: JobShelf): Promise<UnitResult> {
  try {
    return await computeOnce(work, engine);
  } catch (error) {
    if (!engine.isLost()) throw error;
  }
  try {
    shelf.forgetRunners();
    await engine.rebuild();
  } catch (error) {
    throw new WorkerFailure(`The device was lost and could not be opened again: ${messageOf(error)}`);
  }
  return await computeOnce(work, engine);
}

async function computeOnce(work: UnitWork, engine: Engine): Promise<UnitResult> {
  const runner = await work.job.runnerWith(work.held);
  const result = await run(runner, work);
  // A kernel that failed on the device may leave zeros without throwing: such a result must not count.
  const deviceError = engine.takeError();
  if (deviceError !== undefined) throw new Error(`The device reported an error: ${deviceError}`);
  return result;
}

async function run(runner: UnitRunner, { lease, batch }: UnitWork): Promise<UnitResult> {
  return lease.kind === 'train'
    ? { kind: 'train', trained: await runner.train(batch, lease.seed) }
    : { kind: 'evaluate', evaluated: await runner.evaluate(batch) };
}
