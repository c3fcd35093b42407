import { afterAll, describe, expect, it } from 'vitest';
import { createNodeEngineHome } from '../../../../../client/node/engine-home.ts';
import { createNodeCompute } from '../../../../../client/node/node-compute.ts';
import { type LocalUnit, trainLocally } from '../../../../../client/worker/compute/local-steps.ts';
import type { UnitRunner } from '../../../../../client/worker/compute/unit-runner.ts';
import type { Engine, EngineChoice } from '../../../../../client/worker/engine/engine.ts';
import { localCompute } from '../../../../../client/worker/local-compute.ts';
import { compileModel } from '../../../../../client/worker/model/model-compiler.ts';
import type { ComputePorts } from '../../../../../client/worker/session/ports.ts';
import { mixSeed } from '../../../../../shared/base/random.ts';
import type { Batch } from '../../../../../shared/data/batch.ts';
import { modelEnds } from '../../../../../shared/job/model-ends.ts';
import { clipToNorm } from '../../../../../shared/optim/clip.ts';
import { createLocalTraining } from '../../../../../shared/optim/local-training.ts';
import type { AdamWSpec } from '../../../../../shared/optim/optimizer-spec.ts';
import { createOptimizer } from '../../../../../shared/optim/optimizers.ts';
import { learningRateAt } from '../../../../../shared/optim/schedule.ts';
import { createManifest } from '../../../../../shared/tensor/manifest.ts';
import { drawBatch, tinyCnn, tinyGpt } from '../../../../support/tiny-jobs.ts';

const schedule = { warmupRounds: 2, decay: 'cosine', totalRounds: 40 } as const;
const inner: AdamWSpec = { kind: 'adamw', learningRate: 0.05, clipNorm: 0.5, schedule };
const home = createNodeEngineHome();
const engines: Engine[] = [];
afterAll(async () => {
  for (const engine of engines) await engine.close();
});

const tiny = { cnn: tinyCnn, gpt: tinyGpt };

async function prepare(kind: keyof typeof tiny, ports: ComputePorts) {
  const { document, dataset } = tiny[kind];
  const ends = modelEnds(document.model, dataset, document.loss);
  const compiled = await compileModel(document.model, ends, document.loss, document.seed);
  const { tensors, initialParameters: initial } = compiled;
  const engine = await ports.openEngine();
  engines.push(engine);
  const runner = await ports.createUnitRunner({ engine, document, dataset, tensors });
  const manifest = createManifest(tensors);
  const batches = Array.from({ length: 4 }, (_, step) => drawBatch(tiny[kind], 4 + step));
  return { runner, manifest, initial, batches };
}

const inThread = (choice: EngineChoice): ComputePorts => createNodeCompute(choice, home);
const here = (choice: EngineChoice): ComputePorts => localCompute(choice, home);

type Prepared = Awaited<ReturnType<typeof prepare>>;

function compute({ runner, manifest, initial, batches }: Prepared, unit: Partial<LocalUnit> = {}) {
  return trainLocally(
    runner,
    createLocalTraining(manifest, { optimizer: inner }),
    { start: initial, version: 3, seed: 9, steps: batches.length, firstStep: 12, ...unit },
    { read: async (step) => batches[step] as Batch, giveBack() {} },
    () => true,
  );
}

/** The same unit as anyone would write it. */
async function plainLoop({ runner, manifest, initial, batches }: Prepared) {
  const parameters = initial.slice();
  const optimizer = createOptimizer(inner);
  const state = optimizer.createState(parameters.length);
  let lossSum = 0;
  for (const [step, batch] of batches.entries()) {
    runner.setParameters(0, parameters);
    const { update, loss } = await runner.train(batch, mixSeed(9, step));
    lossSum += loss;
    const gradient = clipToNorm(manifest, update, 0.5);
    optimizer.step(manifest, parameters, gradient, state, learningRateAt(inner, 12 + step));
  }
  return { update: initial.map((value, index) => value - (parameters[index] ?? 0)), loss: lossSum / 4 };
}

describe.each(['cnn', 'gpt'] as const)('a unit of local steps of a %s', (kind) => {
  it('is a plain loop over its batches, to the bit, and the same each time', async () => {
    const prepared = await prepare(kind, here('wasm'));
    const right = await plainLoop(prepared);
    const given = await compute(prepared);
    expect(given).toEqual(right);
    expect(await compute(prepared)).toEqual(right);
    expect(given?.update.some((value) => value !== 0)).toBe(true);
  });
});

it('has the same bits when the gradients come from another thread', async () => {
  const right = await compute(await prepare('gpt', here('wasm')));
  expect(await compute(await prepare('gpt', inThread('wasm')))).toEqual(right);
});

it('depends on its place in the inner schedule', async () => {
  const prepared = await prepare('gpt', here('cpu'));
  const early = await compute(prepared);
  const late = await compute(prepared, { firstStep: 30 });
  expect(late?.update).not.toEqual(early?.update);
  expect(await compute(prepared)).toEqual(early);
});

/** The gradient is 1 everywhere; tells what is read, given back and computed with which seed. */
function createRecorder(steps: number) {
  const out = new Set<Batch>();
  const seeds: number[] = [];
  const versions: number[] = [];
  let outMost = 0;
  let computed = 0;
  const runner: Pick<UnitRunner, 'setParameters' | 'train'> = {
    setParameters: (version) => versions.push(version),
    async train(_batch, seed) {
      seeds.push(seed);
      computed++;
      return { update: Float32Array.of(1, 1), loss: computed };
    },
  };
  const batches = {
    async read(step: number): Promise<Batch> {
      expect(step).toBeLessThan(steps);
      const batch: Batch = {
        x: new Float32Array(1),
        xShape: [1],
        y: new Int32Array(1),
        yShape: [1],
        count: 1,
      };
      out.add(batch);
      outMost = Math.max(outMost, out.size);
      return batch;
    },
    giveBack: (batch: Batch) => out.delete(batch),
  };
  return { runner, batches, seeds, versions, out, outMost: () => outMost, computed: () => computed };
}

const pair = createManifest([{ name: 'pair', shape: [2] }]);
const unitOf = (steps: number): LocalUnit => ({
  start: Float32Array.of(5, 6),
  version: 4,
  seed: 1,
  steps,
  firstStep: 0,
});

it('holds one batch and the next, whatever the number of steps', async () => {
  const { runner, batches, seeds, versions, out, outMost } = createRecorder(50);
  const training = createLocalTraining(pair, { optimizer: { kind: 'sgd', learningRate: 0.25 } });
  const trained = await trainLocally(runner, training, unitOf(50), batches, () => true);
  expect(trained).toEqual({ update: Float32Array.of(12.5, 12.5), loss: 25.5 });
  expect(outMost()).toBe(2);
  expect(out.size).toBe(0);
  expect(new Set(seeds).size).toBe(50);
  expect(new Set(versions)).toEqual(new Set([4]));
});

it('gives up between two steps', async () => {
  const { runner, batches, computed } = createRecorder(50);
  const training = createLocalTraining(pair, { optimizer: { kind: 'sgd', learningRate: 0.25 } });
  const trained = await trainLocally(runner, training, unitOf(50), batches, () => computed() < 7);
  expect(trained).toBeUndefined();
  expect(computed()).toBe(7);
});

it('fails with what keeps a batch from being read', async () => {
  const { runner, batches } = createRecorder(50);
  const training = createLocalTraining(pair, { optimizer: { kind: 'sgd', learningRate: 0.25 } });
  const read = (step: number) =>
    step === 3 ? Promise.reject(new Error('the shard is gone')) : batches.read(step);
  const computing = trainLocally(runner, training, unitOf(50), { ...batches, read }, () => true);
  await expect(computing).rejects.toThrow('the shard is gone');
});
