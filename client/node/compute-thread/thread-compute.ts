import type { Worker } from 'node:worker_threads';
import { assert } from '../../../shared/base/assert.ts';
import { fromErrorMessage } from '../../../shared/base/error-message.ts';
import { GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';
import { createBatchPool } from '../../../shared/data/batch-memory.ts';
import { createManifest } from '../../../shared/tensor/manifest.ts';
import type { UnitRunner, UnitRunnerSetup } from '../../worker/compute/unit-runner.ts';
import type { Engine, EngineChoice } from '../../worker/engine/engine.ts';
import type { ComputePorts } from '../../worker/session/ports.ts';
import type { ComputeMethod, ComputeRequest, ComputeResponse, ComputeService } from './messages.ts';

/**
 * Computing in a thread of its own, for back ends that compute on the CPU: while a unit is computed, the session frames
 * and sends the one before and cuts the batch of the next. Batches lie in shared memory, so they cross without a copy.
 */
export function createThreadCompute(choice: EngineChoice, spawn: () => Worker): ComputePorts {
  let service: ComputeService | undefined;
  const opened = (): ComputeService => {
    assert(service !== undefined, 'the engine is opened before anything is computed');
    return service;
  };
  return {
    async openEngine() {
      const worker = spawn();
      service = remoteService(worker);
      try {
        return createRemoteEngine(await service.open(choice), service);
      } catch (error) {
        await worker.terminate();
        throw error;
      }
    },
    selfTest: (_engine, modelKind) => opened().selfTest(modelKind),
    createUnitRunner: (setup) => createRemoteRunner(setup, opened()),
    createBatchMemory: () =>
      createBatchPool(limits.batchArraysKeptMax, (bytes) => new SharedArrayBuffer(bytes)),
  };
}

function createRemoteEngine(
  facts: Awaited<ReturnType<ComputeService['open']>>,
  remote: ComputeService,
): Engine {
  return {
    ...facts,
    computesAside: true,
    // A device of the CPU is never lost, and its errors are those of the calls.
    enter() {},
    isLost: () => false,
    onLost: () => () => {},
    takeError: () => undefined,
    rebuild: async () => {},
    close: () => remote.close(),
  };
}

async function createRemoteRunner(
  { document, dataset, tensors }: UnitRunnerSetup,
  remote: ComputeService,
): Promise<UnitRunner> {
  const { length } = createManifest(tensors);
  const id = await remote.createRunner({ document, dataset, tensors });
  let held: number | undefined;
  return {
    get version() {
      return held;
    },
    setParameters(version, flat) {
      if (flat.length !== length) {
        const message = `The job has ${length} parameters, but ${flat.length} values came.`;
        throw new GradswarmError('wrongLength', message);
      }
      held = version;
      // Copied when it is posted; a failure of the thread is met by the next unit.
      remote.setParameters(id, version, flat).catch(() => {});
    },
    train: (batch, seed) => remote.train(id, batch, seed),
    evaluate: (batch) => remote.evaluate(id, batch),
    sampleTokens: (prompt, count, sampling) => remote.sampleTokens(id, prompt, count, sampling),
    dispose() {
      remote.disposeRunner(id).catch(() => {});
    },
  };
}

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

function remoteService(worker: Worker): ComputeService {
  const pending = new Map<number, Pending>();
  let nextId = 0;
  let ended: Error | undefined;

  const end = (error: Error): void => {
    ended ??= error;
    for (const { reject } of pending.values()) reject(error);
    pending.clear();
  };
  worker.on('message', (response: ComputeResponse) => {
    const call = pending.get(response.id);
    pending.delete(response.id);
    if ('value' in response) call?.resolve(response.value);
    else call?.reject(fromErrorMessage(response.error));
  });
  worker.on('messageerror', end);
  worker.on('error', end);
  worker.once('exit', (code) => end(new Error(`The compute thread ended with code ${code}.`)));

  const call = <Method extends ComputeMethod>(
    method: Method,
    ...parameters: Parameters<ComputeService[Method]>
  ): ReturnType<ComputeService[Method]> =>
    new Promise<unknown>((resolve, reject) => {
      if (ended !== undefined) return reject(ended);
      const id = nextId++;
      pending.set(id, { resolve, reject });
      const request: ComputeRequest<Method> = { id, method, parameters };
      worker.postMessage(request);
    }) as ReturnType<ComputeService[Method]>;

  return {
    open: (choice) => call('open', choice),
    selfTest: (modelKind) => call('selfTest', modelKind),
    createRunner: (setup) => call('createRunner', setup),
    setParameters: (runner, version, flat) => call('setParameters', runner, version, flat),
    train: (runner, batch, seed) => call('train', runner, batch, seed),
    evaluate: (runner, batch) => call('evaluate', runner, batch),
    sampleTokens: (runner, prompt, count, sampling) => call('sampleTokens', runner, prompt, count, sampling),
    disposeRunner: (runner) => call('disposeRunner', runner),
    close: () =>
      call('close').catch((error: unknown) => {
        // Whoever closes wants the thread gone: that it has ended already is no failure.
        if (error !== ended) throw error;
      }),
  };
}
