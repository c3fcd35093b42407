import { Worker } from 'node:worker_threads';
import { afterEach, expect, it } from 'vitest';
import { createThreadCompute } from '../../../../client/node/compute-thread/thread-compute.ts';
import { createNodeEngineHome } from '../../../../client/node/engine-home.ts';
import { createNodeCompute } from '../../../../client/node/node-compute.ts';
import { createUnitRunner } from '../../../../client/worker/compute/unit-runner.ts';
import type { Engine, EngineChoice } from '../../../../client/worker/engine/engine.ts';
import { openEngine } from '../../../../client/worker/engine/open-engine.ts';
import { compileModel } from '../../../../client/worker/model/model-compiler.ts';
import type { ComputePorts } from '../../../../client/worker/session/ports.ts';
import { modelEnds } from '../../../../shared/job/model-ends.ts';
import { drawBatch, tinyCnn } from '../../../support/tiny-jobs.ts';

const home = createNodeEngineHome();
const engines: Engine[] = [];
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.close();
});

async function open(choice: EngineChoice): Promise<{ compute: ComputePorts; engine: Engine }> {
  const compute = createNodeCompute(choice, home);
  const engine = await compute.openEngine();
  engines.push(engine);
  return { compute, engine };
}

const { document, dataset } = tinyCnn;
const { tensors, initialParameters } = await compileModel(
  document.model,
  modelEnds(document.model, dataset, document.loss),
  document.loss,
  document.seed,
);
const setup = { document, dataset, tensors };

it('computes in a thread of its own, to the same bits as here, from shared memory', async () => {
  const local = await openEngine('wasm', home);
  engines.push(local);
  const here = await createUnitRunner({ ...setup, engine: local });
  here.setParameters(1, initialParameters);
  const right = await here.train(drawBatch(tinyCnn, 8), 5);
  const rightEvaluation = await here.evaluate(drawBatch(tinyCnn, 8));

  const { compute, engine } = await open('wasm');
  expect(engine).toMatchObject({
    name: 'wasm',
    computesAside: true,
    determinismClass: local.determinismClass,
    deviceInWords: local.deviceInWords,
  });
  await compute.selfTest(engine, 'cnn');
  const aside = await compute.createUnitRunner({ ...setup, engine });
  aside.setParameters(1, initialParameters);
  expect(aside.version).toBe(1);
  const batch = drawBatch(tinyCnn, 8);
  const memory = compute.createBatchMemory();
  const x = memory.floats(batch.x.length);
  expect(x.buffer).toBeInstanceOf(SharedArrayBuffer);
  x.set(batch.x);
  const given = await aside.train({ ...batch, x }, 5);
  expect(given.update).toEqual(right.update);
  expect(given.loss).toBe(right.loss);
  expect(await aside.evaluate(batch)).toEqual(rightEvaluation);
});

it('says in this thread what was wrong in the other', async () => {
  const { compute, engine } = await open('cpu');
  const runner = await compute.createUnitRunner({ ...setup, engine });
  expect(() => runner.setParameters(1, new Float32Array(3))).toThrow(/but 3 values came/);
  await expect(runner.train(drawBatch(tinyCnn, 8), 1)).rejects.toMatchObject({ code: 'wrongVersion' });
  await expect(
    compute.createUnitRunner({ ...setup, engine, tensors: tensors.slice(1) }),
  ).rejects.toMatchObject({ code: 'wrongManifest' });
});

it('refuses what comes after the engine was closed', async () => {
  const { compute, engine } = await open('cpu');
  const runner = await compute.createUnitRunner({ ...setup, engine });
  runner.setParameters(1, initialParameters);
  const underWay = runner.train(drawBatch(tinyCnn, 8), 1);
  engines.length = 0;
  await engine.close();
  expect((await underWay).loss).toBeGreaterThan(0);
  await expect(runner.train(drawBatch(tinyCnn, 8), 1)).rejects.toThrow(/compute thread ended/);
});

it('closes also when its thread has ended', async () => {
  const loader = new URL('../../../../client/node/compute-thread/thread-loader.mjs', import.meta.url);
  const thread = new Worker(loader, { execArgv: [] });
  const engine = await createThreadCompute('cpu', () => thread).openEngine();
  await thread.terminate();
  await expect(engine.close()).resolves.toBeUndefined();
});
