import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, it } from 'vitest';
import { createBrowserEngineHome } from '../../client/browser/engine-home.ts';
import { selfTest } from '../../client/worker/compute/self-test.ts';
import { createUnitRunner, type UnitRunner } from '../../client/worker/compute/unit-runner.ts';
import type { Engine, EngineChoice } from '../../client/worker/engine/engine.ts';
import { openEngine } from '../../client/worker/engine/open-engine.ts';
import { compileModel } from '../../client/worker/model/model-compiler.ts';
import { createFlatCodec } from '../../shared/codec/codecs.ts';
import { createEncoder } from '../../shared/codec/encoder.ts';
import { modelEnds } from '../../shared/job/model-ends.ts';
import { goldenUnits, unitHash } from '../support/golden-unit.ts';
import { drawBatch, largestDifference, type TinyJob, tinyCnn, tinyGpt } from '../support/tiny-jobs.ts';

const opened: Engine[] = [];
async function open(choice: EngineChoice): Promise<Engine> {
  const engine = await openEngine(choice, createBrowserEngineHome());
  opened.push(engine);
  return engine;
}
afterEach(async () => {
  for (const engine of opened.splice(0)) await engine.close();
});

async function prepare(engine: Engine, job: TinyJob): Promise<UnitRunner> {
  const { model, loss, seed } = job.document;
  const compiled = await compileModel(model, modelEnds(model, job.dataset, loss), loss, seed);
  const runner = await createUnitRunner({ engine, ...job, tensors: compiled.tensors });
  runner.setParameters(0, compiled.initialParameters);
  return runner;
}

describe('WebGPU', () => {
  it('says that the adapter of this browser is emulated, and is not chosen for it', async () => {
    const chosen = await open('webgpu');
    expect(chosen.software).toBe(true);
    expect(chosen.deviceInWords).toMatch(/emulated on the CPU/);
    expect(chosen.determinismClass.build).toMatch(/swiftshader/i);
    expect((await open('auto')).name).toBe('wasm');
  });

  it('gives a device with the limits of its adapter', async () => {
    await open('webgpu');
    const { device } = tf.backend() as WebGPUBackend;
    const adapter = await navigator.gpu.requestAdapter();
    expect(device.limits.maxBufferSize).toBe(adapter?.limits.maxBufferSize);
    expect(device.limits.maxStorageBufferBindingSize).toBe(adapter?.limits.maxStorageBufferBindingSize);
  });

  it.each(['cnn', 'gpt'])('passes the self-test for a %s', async (kind) => {
    await expect(selfTest(await open('webgpu'), kind)).resolves.toBeUndefined();
  });

  it.each([
    ['cnn', tinyCnn],
    ['gpt', tinyGpt],
  ])('computes a unit of a %s as the CPU does', async (_, job) => {
    const batch = drawBatch(job, 4);
    const onCpu = await prepare(await open('cpu'), job);
    const right = await onCpu.train(batch, 1);
    const onGpu = await prepare(await open('webgpu'), job);
    const given = await onGpu.train(batch, 1);
    expect(largestDifference(right.update, given.update)).toBeLessThan(1e-4);
    expect(given.loss).toBeCloseTo(right.loss, 4);
    expect(await onGpu.train(batch, 1)).toEqual(given);
  });

  it('quantises a unit on the device to the bits that the codec makes of it', async () => {
    const runner = await prepare(await open('webgpu'), tinyGpt);
    const batch = drawBatch(tinyGpt, 2);
    const { update, loss } = await runner.train(batch, 5);
    const quantised = await runner.trainToInt8?.(batch, 5);
    const { payload } = createEncoder(createFlatCodec({ kind: 'int8' }, update.length)).encode(update, 5);
    expect(quantised).toEqual({ payload, loss });
    expect((await prepare(await open('cpu'), tinyGpt)).trainToInt8).toBeUndefined();
  });

  it('opens a lost device again and computes the unit once more', async () => {
    const engine = await open('webgpu');
    const runner = await prepare(engine, tinyGpt);
    const batch = drawBatch(tinyGpt, 2);
    const first = await runner.train(batch, 1);
    const reasons: string[] = [];
    engine.onLost((reason) => reasons.push(reason));
    const second = runner.train(batch, 1);
    (tf.backend() as WebGPUBackend).device.destroy();
    expect(await second).toEqual(first);
    expect(reasons).toHaveLength(1);
    expect(engine.isLost()).toBe(false);
    expect(await runner.train(batch, 1)).toEqual(first);
  });

  it('reports what the device says outside of calls as an error of the unit', async () => {
    const engine = await open('webgpu');
    const runner = await prepare(engine, tinyGpt);
    const batch = drawBatch(tinyGpt, 2);
    const unit = runner.train(batch, 1);
    const { device } = tf.backend() as WebGPUBackend;
    device.createBuffer({ size: 4, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.MAP_WRITE });
    await expect(unit).rejects.toMatchObject({ code: 'unavailable' });
    await expect(runner.train(batch, 1)).resolves.toBeDefined();
  });
});

describe('WebAssembly', () => {
  it.each(['mlp', 'cnn', 'gpt', 'layers'])('passes the self-test for a %s', async (kind) => {
    await expect(selfTest(await open('wasm'), kind)).resolves.toBeUndefined();
  });

  it.each(goldenUnits)('computes a unit of a %s to the same bits as Node', async (_, job, hash) => {
    expect(await unitHash(createBrowserEngineHome(), job)).toBe(hash);
  });
});
