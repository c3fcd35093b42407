import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { limits } from '../../shared/base/limits.ts';

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
}

const workerProcess = join(import.meta.dirname, '..', 'node', 'worker-process.ts');

function startWorker(options: LocalWorkerOptions, onExit: (code: number | null) => void): ChildProcess {
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
  child.on('exit', onExit);
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

/** Headless workers as processes of their own, so that training never holds up the coordinator. */
export function startLocalWorkers(
  count: number,
  options: Omit<LocalWorkerOptions, 'name'>,
  onUnexpectedExit: (name: string, code: number | null) => void,
): LocalWorkers {
  let isStopping = false;
  const children = Array.from({ length: count }, (_, index) => {
    const name = `local-${index + 1}`;
    return startWorker({ ...options, name }, (code) => {
      if (!isStopping) onUnexpectedExit(name, code);
    });
  });
  return {
    async stop() {
      isStopping = true;
      await Promise.all(children.map(stopWorker));
    },
  };
}
