import { limits } from '../../../shared/base/limits.ts';
import { createShardLoader, type ShardLoader } from '../data/shard-loader.ts';
import { backoffDelayMs } from './backoff.ts';
import { type ByteCounts, countBytes } from './counting-link.ts';
import { createJobShelf } from './job-shelf.ts';
import type { ComputePorts, SessionPorts, WorkerIdentity } from './ports.ts';
import { createRateMeter } from './rate-meter.ts';
import { actionOf, messageOf, WorkerFailure } from './refusal.ts';
import { runSession } from './session.ts';
import type { WorkerState } from './session-state.ts';
import type { StatusBoard } from './status-board.ts';
import { delay } from './waiting.ts';

export interface SupervisorOptions {
  /** Base addresses of coordinators, tried in turn. */
  readonly urls: readonly string[];
  readonly identity: WorkerIdentity;
  readonly ports: SessionPorts;
  readonly compute: ComputePorts;
  readonly board: StatusBoard;
  readonly signal: AbortSignal;
}

/**
 * A worker from start to stop: opens the engine, then keeps a session with one of the coordinators, coming back with
 * growing, jittered delays. Resolves by the signal.
 * @throws WorkerFailure, or the refusal that no other try would mend
 */
export async function superviseWorker(options: SupervisorOptions): Promise<void> {
  const { board, compute, identity, ports, signal } = options;
  board.update({ phase: 'starting', phaseText: 'opening the device' });
  const engine = await compute.openEngine();
  board.update({ engine: engine.name, device: engine.deviceInWords, softwareAdapter: engine.software });
  const counts: ByteCounts = { sent: 0, received: 0 };
  const shelf = createJobShelf();
  const worker: WorkerState = { ports, identity, engine, shelf, board, rate: createRateMeter() };
  const connections = createConnections(options, worker, counts);
  try {
    while (!signal.aborted) await connections.next();
  } finally {
    connections.close();
    shelf.clear();
    await engine.close();
  }
}

interface Connections {
  /** One connection from its making to its end, and the pause after it. */
  next(): Promise<void>;
  close(): void;
}

function createConnections(options: SupervisorOptions, worker: WorkerState, counts: ByteCounts): Connections {
  const { urls, ports, compute, board, signal } = options;
  const testedKinds = new Set<string>();
  let url = urls[0] ?? '';
  let attempt = 0;
  let failures = 0;

  const count = (): void => board.update({ bytesSent: counts.sent, bytesReceived: counts.received });
  const pause = (failed: number, until: AbortSignal): Promise<void> => {
    const { reconnectDelayMsMin: min, reconnectDelayMsMax: max } = limits;
    return delay(ports.timers, backoffDelayMs(failed, min, max, ports.chance()), until);
  };
  const loader: ShardLoader = createShardLoader({
    baseUrl: () => url,
    fetchBytes: ports.fetchBytes,
    sha256: ports.sha256,
    store: ports.shardStore,
    pause,
    onDownloaded: (bytes) => {
      counts.received += bytes;
      count();
    },
  });

  const connectAndServe = async (): Promise<void> => {
    board.update({ phase: 'connecting', phaseText: `connecting to ${url}` });
    const link = countBytes(await ports.connect(url, signal), counts, count);
    const previousWorkerId = board.current.workerId;
    await runSession({ worker, compute, loader, link, previousWorkerId, testedKinds, signal });
  };

  return {
    async next() {
      url = urls[attempt++ % urls.length] ?? '';
      const startedAtMs = ports.timers.nowMs();
      try {
        await connectAndServe();
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof WorkerFailure || actionOf(error) === 'stop') throw error;
        const message = messageOf(error);
        const lasted = ports.timers.nowMs() - startedAtMs > limits.reconnectDelayMsMax;
        failures = lasted ? 0 : failures + 1;
        board.update({
          phase: 'connecting',
          phaseText: `connection lost, trying again: ${message}`,
          lastError: message,
        });
        // The pause ends early when the worker is stopped.
        await pause(failures, signal).catch(() => {});
      }
    },
    close: () => loader.close(),
  };
}
