import { mixSeed } from '../../../shared/base/random.ts';
import type { Batch } from '../../../shared/data/batch.ts';
import type { LocalTraining } from '../../../shared/optim/local-training.ts';
import type { TrainedUnit, UnitRunner } from './unit-runner.ts';

/** A unit of local steps, as its lease and its job define it. */
export interface LocalUnit {
  /** The parameters that it begins from; copied. */
  readonly start: Float32Array;
  readonly version: number;
  readonly seed: number;
  readonly steps: number;
  /** Place of the first step in the inner schedule. */
  readonly firstStep: number;
}

/** Where the batches of a unit come from: each is read while the one before is computed, never all at once. */
export interface StepBatches {
  /** @param step of the unit, from 0 */
  read(step: number): Promise<Batch>;
  /** The step is computed: the arrays serve a later one. */
  giveBack(batch: Batch): void;
}

/**
 * Steps the inner optimizer once for every batch. Gradients come from the runner, in whatever home and thread it
 * computes; the steps are those of `shared/optim`, so that equal gradients lead to equal bits. The runner holds other
 * parameters than the published ones afterwards.
 *
 * @param mayGoOn asked between two steps, which may take a while
 * @returns the pseudo-gradient and the mean loss of the steps, each at its own parameters; undefined when given up
 */
export async function trainLocally(
  runner: Pick<UnitRunner, 'setParameters' | 'train'>,
  training: LocalTraining,
  unit: LocalUnit,
  batches: StepBatches,
  mayGoOn: () => boolean | Promise<boolean>,
): Promise<TrainedUnit | undefined> {
  training.begin(unit.start);
  let lossSum = 0;
  let next = batches.read(0);
  for (let step = 0; step < unit.steps; step++) {
    const batch = await next;
    if (step + 1 < unit.steps) next = readAhead(batches, step + 1);
    runner.setParameters(unit.version, training.parameters);
    const { update, loss } = await runner.train(batch, localSeed(unit.seed, step));
    // Not after a failure: the device may still read them.
    batches.giveBack(batch);
    training.step(update, unit.firstStep + step);
    lossSum += loss;
    if (!(await mayGoOn())) return undefined;
  }
  return { update: training.pseudoGradient(), loss: lossSum / unit.steps };
}

/** What a step draws by chance, such as dropout, follows from its unit's seed and its place in the unit. */
function localSeed(unitSeed: number, step: number): number {
  return mixSeed(unitSeed, step);
}

function readAhead(batches: StepBatches, step: number): Promise<Batch> {
  const batch = batches.read(step);
  // Its failure is met where the batch is used.
  batch.catch(() => {});
  return batch;
}
