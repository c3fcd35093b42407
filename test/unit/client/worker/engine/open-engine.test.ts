import * as tf from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, it } from 'vitest';
import { createNodeEngineHome } from '../../../../../client/node/engine-home.ts';
import type { Engine, EngineChoice } from '../../../../../client/worker/engine/engine.ts';
import { openEngine } from '../../../../../client/worker/engine/open-engine.ts';

const engines: Engine[] = [];
async function open(choice: EngineChoice): Promise<Engine> {
  const engine = await openEngine(choice, createNodeEngineHome());
  engines.push(engine);
  return engine;
}
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.close();
});

describe('engines in Node', () => {
  it('opens wasm with our kernels, and names them in its determinism class', async () => {
    const engine = await open('wasm');
    expect(tf.getBackend()).toBe('wasm');
    expect(engine.determinismClass.engine).toBe('wasm');
    expect(engine.determinismClass.build).toMatch(/^core \d+, tfjs 4\.22\.0, kernels [0-9a-f]{8}$/);
    expect(engine.software).toBe(false);
  });

  it('opens cpu, whose class names the script engine', async () => {
    expect((await open('cpu')).determinismClass.build).toContain('v8');
  });

  it('says how to install the tensorflow engine where it is missing', async () => {
    await expect(open('tensorflow')).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('npm install --ignore-scripts=false @tensorflow/tfjs-node-gpu'),
    });
  });

  it('never chooses an emulated adapter by itself', async () => {
    const engine = await open('auto');
    expect(engine.software).toBe(false);
    expect(engine.isLost()).toBe(false);
  });

  it('leaves the listeners of the process as they were', async () => {
    const before = process.rawListeners('unhandledRejection');
    await open('wasm');
    expect(process.rawListeners('unhandledRejection')).toEqual(before);
  });

  it('makes its back end the current one again when it is entered', async () => {
    const wasm = await open('wasm');
    const cpu = await open('cpu');
    expect(tf.getBackend()).toBe('cpu');
    wasm.enter();
    expect(tf.getBackend()).toBe('wasm');
    cpu.enter();
    expect(tf.getBackend()).toBe('cpu');
  });

  it('refuses to rebuild what was closed', async () => {
    const engine = await open('cpu');
    await engine.close();
    await expect(engine.rebuild()).rejects.toMatchObject({ code: 'unavailable' });
  });
});
