import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { limits } from '../../shared/base/limits.ts';
import type { WorkerStatus } from '../worker/session/status.ts';
import { exitCodes } from './output.ts';

export interface LocalWorkerOptions {
  readonly url: string;
  readonly token: string;
  readonly name: string;
  readonly backend: string;
  /** PEM file of the coordinator's certificate, under TLS. */
  readonly certificateFile: string | undefined;
}

export interface LocalWorkers {
  /** Asks every worker to give back its leases and end; kills what has not ended in time. */
  stop(): Promise<void>;
  /** Resolves when every worker has ended for good though nobody asked for it; never without workers. */
  readonly lost: Promise<void>;
}

/** A worker process ended though nobody asked for it. */
export interface WorkerEnd {
  readonly worker: string;
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly restarts: boolean;
}

const workerProcess = join(import.meta.dirname, '..', 'node', 'worker-process.ts');

/** `gaveUp`: the worker said why it cannot go on, so that starting it again would not help. */
type OnExit = (code: number | null, gaveUp: boolean) => void;

function startWorker(options: LocalWorkerOptions, onExit: OnExit): ChildProcess {
  const { url, token, name, backend, certificateFile } = options;
  const trust = certificateFile === undefined ? [] : ['--ca', certificateFile];
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', workerProcess, '--url', url, '--name', name, '--backend', backend, ...trust],
    {
      cwd: join(import.meta.dirname, '..', '..'),
      // The token goes by environment: other users of the machine can read command lines.
      env: { ...process.env, GRADSWARM_WORKER_TOKEN: token },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    },
  );
  let gaveUp = false;
  child.on('message', ({ phase }: WorkerStatus) => {
    gaveUp = phase === 'failed';
  });
  // After the last message, which may come later than the end of the process.
  child.on('close', (code) => onExit(code, gaveUp || code === exitCodes.badInput));
  return child;
}

async function stopWorker(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), limits.shutdownTimeoutMs);
  await exited;
  clearTimeout(timer);
}

/**
 * Headless workers as processes of their own, so that training never holds up the coordinator. One that ends by itself
 * is started again, `limits.workerRestartsMax` times at most, and never when it has given up.
 */
export function startLocalWorkers(
  count: number,
  options: Omit<LocalWorkerOptions, 'name'>,
  onEnd: (end: WorkerEnd) => void,
): LocalWorkers {
  const children = new Map<string, ChildProcess>();
  const { promise: lost, resolve: loseAll } = promiseWithResolve();
  let isStopping = false;

  const start = (worker: string, restartsLeft: number): void => {
    const child = startWorker({ ...options, name: worker }, (code, gaveUp) => {
      if (isStopping) return;
      const restarts = restartsLeft > 0 && !gaveUp;
      onEnd({ worker, code, restarts });
      children.delete(worker);
      if (restarts) start(worker, restartsLeft - 1);
      else if (children.size === 0) loseAll();
    });
    children.set(worker, child);
  };
  for (let index = 1; index <= count; index++) start(`local-${index}`, limits.workerRestartsMax);

  return {
    lost,
    async stop() {
      isStopping = true;
      await Promise.all([...children.values()].map(stopWorker));
    },
  };
}

function promiseWithResolve(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
