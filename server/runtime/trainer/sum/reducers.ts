import { Worker } from 'node:worker_threads';
import { assert } from '../../../../shared/base/assert.ts';
import { limits } from '../../../../shared/base/limits.ts';
import type { HeldPayload } from './sum-kernel.ts';
import { type KernelKind, kernels } from './sum-kernels.ts';
import type { SumLane } from './sum-memory.ts';

/** One lane's share of an addition, as it crosses to a reducer's thread. Payloads and memory are shared, not copied. */
export interface ReduceMessage {
  readonly memory: WebAssembly.Memory;
  readonly length: number;
  readonly lane: number;
  readonly lanes: number;
  readonly kind: KernelKind;
  readonly held: readonly HeldPayload[];
  /** Lanes that are done, then lanes that failed. */
  readonly signal: Int32Array<SharedArrayBuffer>;
}

/** Threads that add together with the one that owns the sum: each takes one lane, the owner the first. */
export interface Reducers {
  readonly lanes: number;
  /** Sums of fewer columns are not worth the waking of threads. */
  readonly columnsMin: number;
  /** Returns when every lane has added. Payloads are in shared memory. */
  add(memory: WebAssembly.Memory, first: SumLane, kind: KernelKind, held: readonly HeldPayload[]): void;
  stop(): Promise<void>;
}

export interface ReducersOptions {
  /** The wiring file of a reducer's thread. */
  readonly entry: URL;
  readonly lanes: number;
  readonly columnsMin?: number;
}

/** @throws Error (from `add`) when a thread fails or does not answer: then the sum is not to be used any more. */
export function startReducers({ entry, lanes, columnsMin }: ReducersOptions): Reducers {
  assert(lanes > 1, 'the first lane needs no reducer');
  const loader = new URL('../thread-loader.mjs', import.meta.url);
  const workers = Array.from({ length: lanes - 1 }, (_, index) => {
    const workerData = { entry: entry.href };
    const worker = new Worker(loader, { workerData, execArgv: [], name: `reducer ${index + 1}` });
    worker.unref();
    return worker;
  });
  return {
    lanes,
    columnsMin: columnsMin ?? limits.reducerColumnsMin,
    add(memory, first, kind, held) {
      const signal = new Int32Array(new SharedArrayBuffer(8));
      const { length } = first.accumulator;
      workers.forEach((worker, index) => {
        const message: ReduceMessage = { memory, length, lane: index + 1, lanes, kind, held, signal };
        worker.postMessage(message);
      });
      kernels[kind].add(first, held);
      awaitLanes(signal, workers.length);
    },
    async stop() {
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}

/** Blocks: the owner's thread has nothing else to do, and every call of the trainer has its effect before it returns. */
function awaitLanes(signal: Int32Array<SharedArrayBuffer>, count: number): void {
  for (;;) {
    const done = Atomics.load(signal, 0);
    if (Atomics.load(signal, 1) > 0) throw new Error('A reducer thread failed while it added contributions.');
    if (done === count) return;
    if (Atomics.wait(signal, 0, done, limits.reducerTimeoutMs) === 'timed-out') {
      throw new Error(`A reducer thread did not answer within ${limits.reducerTimeoutMs} ms.`);
    }
  }
}
