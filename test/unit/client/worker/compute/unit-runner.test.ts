import { afterAll, describe, expect, it } from 'vitest';
import { createNodeEngineHome } from '../../../../../client/node/engine-home.ts';
import { createUnitRunner } from '../../../../../client/worker/compute/unit-runner.ts';
import type { Engine } from '../../../../../client/worker/engine/engine.ts';
import { openEngine } from '../../../../../client/worker/engine/open-engine.ts';
import { compileModel } from '../../../../../client/worker/model/model-compiler.ts';
import { modelEnds } from '../../../../../shared/job/model-ends.ts';
import {
  drawBatch,
  largestDifference,
  type TinyJob,
  tinyCnn,
  tinyGpt,
} from '../../../../support/tiny-jobs.ts';

async function prepare(engine: Engine, job: TinyJob) {
  const { document, dataset } = job;
  const ends = modelEnds(document.model, dataset, document.loss);
  const { tensors, initialParameters } = await compileModel(
    document.model,
    ends,
    document.loss,
    document.seed,
  );
  const runner = await createUnitRunner({ engine, document, dataset, tensors });
  return { runner, tensors, initial: initialParameters, batch: drawBatch(job, 8) };
}

const home = createNodeEngineHome();
const engines: Engine[] = [];
async function open(name: 'cpu' | 'wasm'): Promise<Engine> {
  const engine = await openEngine(name, home);
  engines.push(engine);
  return engine;
}
afterAll(async () => {
  for (const engine of engines) await engine.close();
});

describe.each([
  ['cnn', tinyCnn],
  ['gpt', tinyGpt],
] as const)('a unit of a %s', (_, job) => {
  it('is the same on wasm as on the CPU', async () => {
    const onCpu = await prepare(await open('cpu'), job);
    onCpu.runner.setParameters(1, onCpu.initial);
    const right = await onCpu.runner.train(onCpu.batch, 1);
    const rightEvaluation = await onCpu.runner.evaluate(onCpu.batch);
    const onWasm = await prepare(await open('wasm'), job);
    onWasm.runner.setParameters(1, onWasm.initial);
    const given = await onWasm.runner.train(onWasm.batch, 1);
    const evaluation = await onWasm.runner.evaluate(onWasm.batch);
    expect(largestDifference(right.update, given.update)).toBeLessThan(1e-5);
    expect(given.loss).toBeCloseTo(right.loss, 5);
    expect(evaluation.lossSum).toBeCloseTo(rightEvaluation.lossSum, 3);
    expect(evaluation.correct).toBeCloseTo(rightEvaluation.correct, 5);
  });

  it('gives the same bits each time it is computed', async () => {
    const { runner, initial, batch } = await prepare(await open('wasm'), job);
    runner.setParameters(1, initial);
    const first = await runner.train(batch, 9);
    runner.setParameters(
      2,
      initial.map((value) => value * 2),
    );
    expect(await runner.train(batch, 9)).not.toEqual(first);
    runner.setParameters(3, initial);
    expect(await runner.train(batch, 9)).toEqual(first);
    expect(runner.version).toBe(3);
  });
});

it('keeps its parameters when the caller goes on to change them', async () => {
  const { runner, initial, batch } = await prepare(await open('cpu'), tinyCnn);
  runner.setParameters(1, initial);
  const first = await runner.train(batch, 1);
  initial.fill(0);
  expect(await runner.train(batch, 1)).toEqual(first);
});

it('refuses a unit before the parameters, parameters of another length, and tensors of another model', async () => {
  const engine = await open('cpu');
  const { runner, tensors, initial, batch } = await prepare(engine, tinyCnn);
  await expect(runner.train(batch, 1)).rejects.toMatchObject({ code: 'wrongVersion' });
  expect(() => runner.setParameters(1, initial.subarray(1))).toThrowError(
    expect.objectContaining({ code: 'wrongLength' }),
  );
  const others = tensors.slice(1);
  await expect(createUnitRunner({ engine, ...tinyCnn, tensors: others })).rejects.toMatchObject({
    code: 'wrongManifest',
  });
});

describe('text', () => {
  it('is continued, the same for the same seed', async () => {
    const { runner, initial } = await prepare(await open('wasm'), tinyGpt);
    runner.setParameters(1, initial);
    const first = await runner.sampleTokens([1, 2], 20, { temperature: 1, seed: 4 });
    expect(first).toHaveLength(20);
    expect(first.every((token) => token >= 0 && token < 11)).toBe(true);
    expect(await runner.sampleTokens([1, 2], 20, { temperature: 1, seed: 4 })).toEqual(first);
    expect(await runner.sampleTokens([1, 2], 20, { temperature: 1, seed: 5 })).not.toEqual(first);
  });

  it('comes from language models only', async () => {
    const { runner } = await prepare(await open('cpu'), tinyCnn);
    await expect(async () => runner.sampleTokens([0], 1, { temperature: 1, seed: 1 })).rejects.toMatchObject({
      code: 'badRequest',
    });
  });
});
