import type { MessagePort } from 'node:worker_threads';
import { assert } from '../../../shared/base/assert.ts';
import { toErrorMessage } from '../../../shared/base/error-message.ts';
import { selfTest } from '../../worker/compute/self-test.ts';
import { createUnitRunner, type UnitRunner } from '../../worker/compute/unit-runner.ts';
import type { Engine } from '../../worker/engine/engine.ts';
import type { EngineHome } from '../../worker/engine/engine-home.ts';
import { openEngine } from '../../worker/engine/open-engine.ts';
import type { ComputeMethod, ComputeRequest, ComputeService } from './messages.ts';

/** Answers the requests that arrive on `port`, one after the other, until `close` is answered. */
export function serveCompute(port: MessagePort, home: EngineHome): void {
  const service = createComputeService(home);
  let before: Promise<void> = Promise.resolve();
  port.on('message', (request: ComputeRequest) => {
    before = before.then(() => answer(port, service, request));
  });
}

async function answer(port: MessagePort, service: ComputeService, request: ComputeRequest): Promise<void> {
  const { id, method, parameters } = request;
  const call = service[method] as (...values: Parameters<ComputeService[ComputeMethod]>) => Promise<unknown>;
  try {
    const value = await call.apply(service, parameters);
    port.postMessage({ id, value }, movedBuffers(value));
  } catch (error) {
    port.postMessage({ id, error: toErrorMessage(error) });
  }
  if (method === 'close') port.close();
}

/** The update of a unit is a fresh read-back: it moves instead of being copied. */
function movedBuffers(value: unknown): ArrayBuffer[] {
  if (typeof value !== 'object' || value === null || !('update' in value)) return [];
  const { update } = value;
  return update instanceof Float32Array && update.buffer instanceof ArrayBuffer ? [update.buffer] : [];
}

function createComputeService(home: EngineHome): ComputeService {
  const runners = new Map<number, UnitRunner>();
  let opened: Engine | undefined;
  let nextRunner = 1;

  const engine = (): Engine => {
    assert(opened !== undefined, 'the engine is opened first');
    return opened;
  };
  const runner = (id: number): UnitRunner => {
    const found = runners.get(id);
    assert(found !== undefined, 'a runner is used between its making and its disposal');
    return found;
  };

  return {
    async open(choice) {
      opened = await openEngine(choice, home);
      const { name, determinismClass, deviceInWords, software } = opened;
      return { name, determinismClass, deviceInWords, software };
    },
    selfTest: (modelKind) => selfTest(engine(), modelKind),
    async createRunner(setup) {
      runners.set(nextRunner, await createUnitRunner({ ...setup, engine: engine() }));
      return nextRunner++;
    },
    async setParameters(id, version, flat) {
      runner(id).setParameters(version, flat);
    },
    train: (id, batch, seed) => runner(id).train(batch, seed),
    evaluate: (id, batch) => runner(id).evaluate(batch),
    sampleTokens: (id, prompt, count, sampling) => runner(id).sampleTokens(prompt, count, sampling),
    async disposeRunner(id) {
      runner(id).dispose();
      runners.delete(id);
    },
    close: () => engine().close(),
  };
}
