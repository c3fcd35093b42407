import { afterAll, describe, expect, it } from 'vitest';
import { createNodeEngineHome } from '../../../../../client/node/engine-home.ts';
import { selfTest } from '../../../../../client/worker/compute/self-test.ts';
import { createUnitRunner } from '../../../../../client/worker/compute/unit-runner.ts';
import type { Engine } from '../../../../../client/worker/engine/engine.ts';
import { openEngine } from '../../../../../client/worker/engine/open-engine.ts';
import { compileModel } from '../../../../../client/worker/model/model-compiler.ts';
import { asBlobHash } from '../../../../../shared/base/ids.ts';
import { createRandom } from '../../../../../shared/base/random.ts';
import type { Batch } from '../../../../../shared/data/batch.ts';
import type { DatasetManifest } from '../../../../../shared/data/dataset-manifest.ts';
import { completeJobDocument } from '../../../../../shared/job/complete-job-document.ts';
import type { JobDocument } from '../../../../../shared/job/job-document.ts';
import { modelEnds } from '../../../../../shared/job/model-ends.ts';

const split = { shards: [{ hash: asBlobHash('0'.repeat(64)), count: 64, bytes: 128 }], count: 64 };
const base = { name: 'data', title: 'Data', source: 'a test', train: split, test: split };

const images: DatasetManifest = {
  ...base,
  kind: 'records',
  task: 'classification',
  input: { type: 'uint8', shape: [12, 12, 1], scale: 1 / 255, offset: 0 },
  target: { type: 'uint8', shape: [], scale: 1, offset: 0 },
  outputSize: 4,
};
const text: DatasetManifest = {
  ...base,
  kind: 'tokens',
  vocabularySize: 11,
  tokenizer: { kind: 'characters', characters: [...'abcdefghijk'] },
};

const cnn = completeJobDocument({
  name: 'cnn',
  model: { kind: 'cnn', filters: [4, 4] },
  dataset: 'data',
  loss: 'softmaxCrossEntropy',
  optimizer: { kind: 'sgd', learningRate: 0.1 },
  stop: { rounds: 1 },
});
const gpt: JobDocument = {
  ...cnn,
  name: 'gpt',
  model: { kind: 'gpt', layers: 1, heads: 2, width: 16, context: 8 },
};

function draw(document: JobDocument, dataset: DatasetManifest, count: number): Batch {
  const { inputShape, outputSize } = modelEnds(document.model, dataset, document.loss);
  const random = createRandom(3);
  const xShape = [count, ...inputShape];
  const size = xShape.reduce((product, side) => product * side, 1);
  const labels = (length: number): Int32Array => Int32Array.from({ length }, () => random.below(outputSize));
  if (dataset.kind === 'tokens') return { x: labels(size), xShape, y: labels(size), yShape: xShape, count };
  return {
    x: Float32Array.from({ length: size }, random.unit),
    xShape,
    y: labels(count),
    yShape: [count],
    count,
  };
}

async function prepare(engine: Engine, document: JobDocument, dataset: DatasetManifest) {
  const ends = modelEnds(document.model, dataset, document.loss);
  const { tensors, initialParameters } = await compileModel(
    document.model,
    ends,
    document.loss,
    document.seed,
  );
  const runner = await createUnitRunner({ engine, document, dataset, tensors });
  return { runner, tensors, initial: initialParameters, batch: draw(document, dataset, 8) };
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

function largestDifference(a: Float32Array, b: Float32Array): number {
  return a.reduce((most, value, index) => Math.max(most, Math.abs(value - (b[index] ?? Number.NaN))), 0);
}

describe.each([
  ['cnn', cnn, images],
  ['gpt', gpt, text],
] as const)('a unit of a %s', (_, document, dataset) => {
  it('is the same on wasm as on the CPU', async () => {
    const onCpu = await prepare(await open('cpu'), document, dataset);
    onCpu.runner.setParameters(1, onCpu.initial);
    const right = await onCpu.runner.train(onCpu.batch, 1);
    const rightEvaluation = await onCpu.runner.evaluate(onCpu.batch);
    const onWasm = await prepare(await open('wasm'), document, dataset);
    onWasm.runner.setParameters(1, onWasm.initial);
    const given = await onWasm.runner.train(onWasm.batch, 1);
    const evaluation = await onWasm.runner.evaluate(onWasm.batch);
    expect(largestDifference(right.update, given.update)).toBeLessThan(1e-5);
    expect(given.loss).toBeCloseTo(right.loss, 5);
    expect(evaluation.lossSum).toBeCloseTo(rightEvaluation.lossSum, 3);
    expect(evaluation.correct).toBeCloseTo(rightEvaluation.correct, 5);
  });

  it('gives the same bits each time it is computed', async () => {
    const { runner, initial, batch } = await prepare(await open('wasm'), document, dataset);
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
  const { runner, initial, batch } = await prepare(await open('cpu'), cnn, images);
  runner.setParameters(1, initial);
  const first = await runner.train(batch, 1);
  initial.fill(0);
  expect(await runner.train(batch, 1)).toEqual(first);
});

it('refuses a unit before the parameters, parameters of another length, and tensors of another model', async () => {
  const engine = await open('cpu');
  const { runner, tensors, initial, batch } = await prepare(engine, cnn, images);
  await expect(runner.train(batch, 1)).rejects.toMatchObject({ code: 'wrongVersion' });
  expect(() => runner.setParameters(1, initial.subarray(1))).toThrowError(
    expect.objectContaining({ code: 'wrongLength' }),
  );
  const others = tensors.slice(1);
  await expect(
    createUnitRunner({ engine, document: cnn, dataset: images, tensors: others }),
  ).rejects.toMatchObject({ code: 'wrongManifest' });
});

describe('text', () => {
  it('is continued, the same for the same seed', async () => {
    const { runner, initial } = await prepare(await open('wasm'), gpt, text);
    runner.setParameters(1, initial);
    const first = await runner.sampleTokens([1, 2], 20, { temperature: 1, seed: 4 });
    expect(first).toHaveLength(20);
    expect(first.every((token) => token >= 0 && token < 11)).toBe(true);
    expect(await runner.sampleTokens([1, 2], 20, { temperature: 1, seed: 4 })).toEqual(first);
    expect(await runner.sampleTokens([1, 2], 20, { temperature: 1, seed: 5 })).not.toEqual(first);
  });

  it('comes from language models only', async () => {
    const { runner } = await prepare(await open('cpu'), cnn, images);
    await expect(async () => runner.sampleTokens([0], 1, { temperature: 1, seed: 1 })).rejects.toMatchObject({
      code: 'badRequest',
    });
  });
});

describe('the self-test at join', () => {
  it.each(['mlp', 'cnn', 'gpt', 'layers'])('passes on wasm for a %s', async (kind) => {
    const engine = await open('wasm');
    await expect(selfTest(engine, kind)).resolves.toBeUndefined();
  });
});
