import { trainLocally } from '../../../client/worker/compute/local-steps.ts';
import {
  createUnitRunner,
  type TrainedUnit,
  type UnitRunner,
} from '../../../client/worker/compute/unit-runner.ts';
import { createUnitReader, type UnitReader } from '../../../client/worker/data/unit-reader.ts';
import type { Engine } from '../../../client/worker/engine/engine.ts';
import { compileModel } from '../../../client/worker/model/model-compiler.ts';
import { createRandom, mixSeed } from '../../../shared/base/random.ts';
import { codecText } from '../../../shared/codec/codec-spec.ts';
import { createCodec } from '../../../shared/codec/codecs.ts';
import { createEncoder } from '../../../shared/codec/encoder.ts';
import { createBatchPool } from '../../../shared/data/batch-memory.ts';
import type { JobDocument } from '../../../shared/job/job-document.ts';
import { modelEnds } from '../../../shared/job/model-ends.ts';
import { firstLocalStep, samplesPerUnit } from '../../../shared/job/unit-samples.ts';
import { tokenContext } from '../../../shared/model/token-context.ts';
import { createLocalTraining, type LocalTraining } from '../../../shared/optim/local-training.ts';
import { createOptimizer } from '../../../shared/optim/optimizers.ts';
import { type OuterStepRules, outerStep } from '../../../shared/optim/outer-step.ts';
import { initialState, type TrainingState } from '../../../shared/optim/training-state.ts';
import { weighContribution } from '../../../shared/sync/contribution-weight.ts';
import { mean } from '../../../shared/tensor/grid.ts';
import { createManifest, type ParameterManifest } from '../../../shared/tensor/manifest.ts';
import type { Flow } from './convergence-case.ts';
import type { TextData } from './text-data.ts';
import { createUplinkCounter, type UplinkCounter } from './uplink-bytes.ts';

export interface ConvergenceResult {
  /** Mean over the tokens of the test windows, in nats, of the last published vector. */
  readonly validationLoss: number;
  readonly uplinkBytes: number;
  readonly rounds: number;
  readonly parameters: number;
}

/** The parts of one run: everything that a worker and a coordinator have, but for sockets and disks. */
interface Parts {
  readonly document: JobDocument;
  readonly manifest: ParameterManifest;
  readonly runner: UnitRunner;
  readonly reader: UnitReader;
  /** Each worker's own. */
  readonly trainings: readonly LocalTraining[];
}

interface Base {
  readonly version: number;
  readonly published: Float32Array;
}

const always = async (): Promise<boolean> => true;

/**
 * Trains `document` for as many samples as its rounds have when all units count, with one worker for every unit.
 */
export async function runConvergence(
  engine: Engine,
  data: TextData,
  document: JobDocument,
  flow: Flow,
): Promise<ConvergenceResult> {
  const { dataset, loader } = data;
  const ends = modelEnds(document.model, dataset, document.loss);
  const { tensors, initialParameters } = await compileModel(
    document.model,
    ends,
    document.loss,
    document.seed,
  );
  const manifest = createManifest(tensors);
  const context = tokenContext(document.model);
  const parts: Parts = {
    document,
    manifest,
    runner: await createUnitRunner({ engine, document, dataset, tensors }),
    reader: createUnitReader(dataset, context, document.seed, loader, createBatchPool(4)),
    trainings: Array.from({ length: document.localSteps ? document.unitsPerRound : 0 }, () =>
      createLocalTraining(manifest, document.localSteps!),
    ),
  };
  try {
    return await train(parts, initialParameters, flow);
  } finally {
    parts.runner.dispose();
  }
}

async function train(parts: Parts, initial: Float32Array, flow: Flow): Promise<ConvergenceResult> {
  const { document, manifest } = parts;
  const workers = document.unitsPerRound;
  const unitsPerRound = flow.kind === 'buffer' ? flow.contributions : workers;
  const rounds = Math.round(((document.stop.rounds ?? 0) * workers) / unitsPerRound);
  const rules: OuterStepRules = {
    manifest,
    optimizer: createOptimizer(document.optimizer),
    spec: document.optimizer,
    downCodec: createCodec(document.codec.down, manifest),
    seed: document.seed,
  };
  const uplink = createUplinkCounter();
  const collect = createCollector(parts, flow, unitsPerRound, uplink);
  /** What each worker began its next unit from. */
  const bases: Base[] = Array.from({ length: workers }, () => ({ version: 0, published: initial }));
  let state: TrainingState = initialState(rules.optimizer, initial);
  for (let round = 0; round < rounds; round++) {
    const stepped = outerStep(rules, state, await collect(round, bases));
    state = stepped.state;
    if (!stepped.finite) break;
    for (let unit = 0; unit < unitsPerRound; unit++) {
      bases[workerOf(round, unit, unitsPerRound, workers)] = {
        version: round + 1,
        published: state.published,
      };
    }
  }
  const validationLoss = await validate(parts, state.published);
  return { validationLoss, uplinkBytes: uplink.bytes, rounds, parameters: manifest.length };
}

/** In turn: where a round has fewer units than there are workers, the others are at theirs. */
function workerOf(round: number, unit: number, unitsPerRound: number, workers: number): number {
  return (round * unitsPerRound + unit) % workers;
}

/** One round: units are computed, encoded, counted on the uplink, and summed on the grid. */
function createCollector(
  parts: Parts,
  flow: Flow,
  unitsPerRound: number,
  uplink: UplinkCounter,
): (round: number, bases: readonly Base[]) => Promise<Float32Array> {
  const { document, manifest } = parts;
  const [up] = document.codec.up;
  if (up === undefined) throw new Error('the job names a codec');
  const codec = createCodec(up, manifest);
  const workers = document.unitsPerRound;
  const encoders = Array.from({ length: workers }, () => createEncoder(codec));
  const header = { codec: codecText(up), length: manifest.length, samples: samplesPerUnit(document) };
  const random = createRandom(mixSeed(document.seed, 77));
  return async (round, bases) => {
    const accumulator = new Float64Array(manifest.length);
    const late = lateUnits(flow, workers, random.below);
    let weight = 0;
    for (let unit = 0; unit < unitsPerRound; unit++) {
      const worker = workerOf(round, unit, unitsPerRound, workers);
      const base = bases[worker]!;
      const seed = mixSeed(document.seed, round, unit);
      const { update, loss } = await computeUnit(
        parts,
        { start: base.published, round, unit, unitsPerRound, seed },
        parts.trainings[worker],
      );
      const { payload, settle } = encoders[worker]!.encode(update, seed);
      await uplink.countUnit({ ...header, round, unit, loss, payload });
      const isCounted = !late.has(unit);
      settle(isCounted);
      if (!isCounted) continue;
      const unitWeight = flow.kind === 'buffer' ? weightOf(round - base.version) : 1;
      codec.decodeAndAccumulate(payload, seed, accumulator, unitWeight);
      weight += unitWeight;
    }
    const aggregate = new Float32Array(manifest.length);
    mean(accumulator, weight, aggregate);
    return aggregate;
  };
}

function weightOf(staleness: number): number {
  return weighContribution(undefined, { staleness, pace: 1, reliability: 1 });
}

function lateUnits(flow: Flow, workers: number, below: (bound: number) => number): ReadonlySet<number> {
  const late = new Set<number>();
  if (flow.kind !== 'quorum') return late;
  while (late.size < workers - flow.units) late.add(below(workers));
  return late;
}

interface Unit {
  readonly start: Float32Array;
  readonly round: number;
  readonly unit: number;
  readonly unitsPerRound: number;
  readonly seed: number;
}

async function computeUnit(
  { document, runner, reader }: Parts,
  { start, round, unit, unitsPerRound, seed }: Unit,
  training: LocalTraining | undefined,
): Promise<TrainedUnit> {
  const sampleCount = samplesPerUnit(document);
  const sampleStart = (round * unitsPerRound + unit) * sampleCount;
  const { batchSize, localSteps } = document;
  if (training === undefined || localSteps === undefined) {
    const batch = await reader.read('train', sampleStart, batchSize);
    runner.setParameters(round, start);
    const trained = await runner.train(batch, seed);
    reader.giveBack(batch);
    return trained;
  }
  const firstStep = firstLocalStep(document, { unit, sampleStart, sampleCount });
  const trained = await trainLocally(
    runner,
    training,
    { start, version: round, seed, steps: localSteps.steps, firstStep },
    {
      read: (step) => reader.read('train', sampleStart + step * batchSize, batchSize),
      giveBack: reader.giveBack,
    },
    always,
  );
  if (trained === undefined) throw new Error('a unit runs to its end');
  return trained;
}

async function validate({ document, runner, reader }: Parts, published: Float32Array): Promise<number> {
  const { samplesMax, batchSize } = document.evaluation;
  runner.setParameters(0, published);
  let lossSum = 0;
  for (let first = 0; first < samplesMax; first += batchSize) {
    const batch = await reader.read('evaluate', first, Math.min(batchSize, samplesMax - first));
    lossSum += (await runner.evaluate(batch)).lossSum;
    reader.giveBack(batch);
  }
  return lossSum / samplesMax;
}
