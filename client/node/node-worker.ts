import { crc32 } from 'node:zlib';
import { createFetchBytes } from '../worker/data/fetch-bytes.ts';
import type { EngineChoice } from '../worker/engine/engine.ts';
import type { RingTransport } from '../worker/ring/ring-channel.ts';
import type { WorkerStatus } from '../worker/session/status.ts';
import { createWorkerCore, type WorkerCore } from '../worker/worker-core.ts';
import { createNodeEngineHome } from './engine-home.ts';
import { createHttpGet } from './fetch-over-tls.ts';
import { createNodeCompute } from './node-compute.ts';
import { onStopRequest } from './stop-request.ts';
import type { TlsTrust } from './tls-trust.ts';
import { openWebSocketLink, webSocketUrl } from './websocket-link.ts';

export interface NodeWorkerOptions {
  /** Base addresses of coordinators, such as `http://127.0.0.1:7077`; the leader among them is found. */
  readonly urls: readonly string[];
  /** Empty for an anonymous contributor. */
  readonly token: string;
  /** Shown to the admin. */
  readonly name: string;
  readonly backend: EngineChoice;
  /** Serve only this job; any job when absent. */
  readonly jobId?: string | undefined;
  readonly sampleText?: boolean;
  /** Certificates of coordinators that no well-known authority vouches for. */
  readonly trust?: TlsTrust | undefined;
  /** Direct ways to other workers, which show this machine's address to them; none when absent. */
  readonly ringTransports?: readonly RingTransport[];
  /** Called at most four times a second. */
  readonly onStatus: (status: WorkerStatus) => void;
}

export function createNodeWorker({ trust, ringTransports = [], ...options }: NodeWorkerOptions): WorkerCore {
  const engineHome = createNodeEngineHome();
  return createWorkerCore({
    ...options,
    home: 'node',
    engineHome,
    compute: createNodeCompute(options.backend, engineHome),
    connect: (url, signal) => openWebSocketLink(webSocketUrl(url, 'worker-socket'), signal, trust),
    ports: {
      checksum: crc32,
      ringTransports,
      ...(trust && { fetchBytes: createFetchBytes(createHttpGet(trust)) }),
    },
  });
}

/**
 * Runs a worker until SIGINT, SIGTERM or the end of the parent process; leases are given back first, and a second
 * signal ends the process at once. Resolves with the exit code: 0 after a stop, 1 after a failure, whose message is in
 * the last status. The caller has to end with `process.exit`, because Dawn keeps a process alive.
 */
export async function runNodeWorker(options: NodeWorkerOptions): Promise<number> {
  const worker = createNodeWorker(options);
  const forget = onStopRequest(() => worker.stop());
  worker.start();
  await worker.ended;
  forget();
  return worker.status().phase === 'failed' ? 1 : 0;
}
