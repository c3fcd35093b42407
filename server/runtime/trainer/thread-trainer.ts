import type { Transferable, Worker } from 'node:worker_threads';
import { fromErrorMessage } from '../../../shared/base/error-message.ts';
import { limits } from '../../../shared/base/limits.ts';
import type { ReduceOutcome, Trainer } from '../ports.ts';
import { movable, type TrainerMethod, type TrainerRequest, type TrainerResponse } from './thread-messages.ts';

export interface ThreadTrainerOptions {
  /** The thread ended before `shutdown`, or broke the protocol. Called once; every call under way is rejected. */
  onFatal(error: Error): void;
  /** Payload bytes that may wait in the thread. */
  readonly queueBytesMax?: number;
}

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** The main loop's end of a trainer that runs in `worker`. */
export function createThreadTrainer(worker: Worker, options: ThreadTrainerOptions): Trainer {
  const queueBytesMax = options.queueBytesMax ?? limits.reducerQueueBytesMax;
  const pending = new Map<number, Pending>();
  let nextId = 0;
  let queuedBytes = 0;
  let ended: Error | undefined;
  let isShuttingDown = false;

  function end(error: Error): void {
    if (ended !== undefined) return;
    ended = error;
    for (const { reject } of pending.values()) reject(error);
    pending.clear();
    if (!isShuttingDown) options.onFatal(error);
  }

  worker.on('message', (response: TrainerResponse) => {
    const call = pending.get(response.id);
    pending.delete(response.id);
    if ('error' in response) call?.reject(fromErrorMessage(response.error));
    else call?.resolve(response.value);
  });
  worker.on('messageerror', end);
  worker.on('error', end);
  const exited = new Promise<void>((resolve) => {
    worker.once('exit', (code) => {
      end(new Error(`The trainer's thread ended with code ${code}.`));
      resolve();
    });
  });

  function call<Method extends TrainerMethod>(
    method: Method,
    parameters: Parameters<Trainer[Method]>,
    transfer: readonly Transferable[] = [],
  ): ReturnType<Trainer[Method]> {
    const answer = new Promise<unknown>((resolve, reject) => {
      if (ended !== undefined) return reject(ended);
      const id = nextId++;
      pending.set(id, { resolve, reject });
      const request: TrainerRequest<Method> = { id, method, parameters };
      worker.postMessage(request, transfer);
    });
    return answer as ReturnType<Trainer[Method]>;
  }

  async function reduce<Method extends 'reduce' | 'mergeSum' | 'reduceAtEdge'>(
    method: Method,
    request: Parameters<Trainer[Method]>[0],
  ): Promise<ReduceOutcome> {
    const bytes = request.payload.byteLength;
    if (queuedBytes + bytes > queueBytesMax) {
      const message = `${queuedBytes} payload bytes wait for the trainer; send this one again later.`;
      return { accepted: false, code: 'unavailable', message };
    }
    queuedBytes += bytes;
    try {
      const payload = movable(request.payload);
      const moved = [{ ...request, payload }] as unknown as Parameters<Trainer[Method]>;
      return await call(method, moved, [payload.buffer]);
    } finally {
      queuedBytes -= bytes;
    }
  }

  return {
    open: (job) => call('open', [job]),
    close: (jobId) => call('close', [jobId]),
    reduce: (request) => reduce('reduce', request),
    mergeSum: (request) => reduce('mergeSum', request),
    storeRound: (jobId, round, weight, partials) => call('storeRound', [jobId, round, weight, partials]),
    reduceAtEdge: (request) => reduce('reduceAtEdge', request),
    edgeSum: (request) => call('edgeSum', [request]),
    checkSum: (request) => call('checkSum', [request]),
    installRound: (jobId, round) => call('installRound', [jobId, round]),
    discardRound: (jobId, round) => call('discardRound', [jobId, round]),
    followRound: (jobId, round, aggregateHash) => call('followRound', [jobId, round, aggregateHash]),
    snapshot: (jobId) => call('snapshot', [jobId]),
    storeCheckpoint: (jobId, version) => call('storeCheckpoint', [jobId, version]),
    async shutdown() {
      isShuttingDown = true;
      if (ended === undefined) await call('shutdown', []);
      await exited;
    },
  };
}
