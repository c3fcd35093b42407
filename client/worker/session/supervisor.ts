import { GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';
import { createCoordinatorDirectory } from '../../../shared/protocol/coordinator-directory.ts';
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
import { createUplinkMeter } from './uplink-meter.ts';
import { delay } from './waiting.ts';

export interface SupervisorOptions {
  /** Base addresses of coordinators, as `coordinatorUrl` writes them; others are learned from them. */
  readonly urls: readonly string[];
  readonly identity: WorkerIdentity;
  readonly ports: SessionPorts;
  readonly compute: ComputePorts;
  readonly board: StatusBoard;
  readonly signal: AbortSignal;
}

/**
 * A worker from start to stop: opens the engine, then keeps a session with the coordinator that leads. When that is gone
 * it tries the others at once, and all again after growing, jittered pauses; its id, models, data and parameters stay.
 * Resolves by the signal.
 * @throws WorkerFailure, or the refusal that no other try would mend
 */
export async function superviseWorker(options: SupervisorOptions): Promise<void> {
  const { board, compute, identity, ports, signal } = options;
  board.update({ phase: 'starting', phaseText: 'opening the device' });
  const engine = await compute.openEngine();
  board.update({ engine: engine.name, device: engine.deviceInWords, softwareAdapter: engine.software });
  const counts: ByteCounts = { sent: 0, received: 0 };
  const shelf = createJobShelf();
  const [rate, uplink] = [createRateMeter(), createUplinkMeter()];
  const worker: WorkerState = { ports, identity, engine, shelf, board, rate, uplink };
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
  /** One connection from its making to its end, after a pause where one is due. */
  next(): Promise<void>;
  close(): void;
}

function createConnections(options: SupervisorOptions, worker: WorkerState, counts: ByteCounts): Connections {
  const { urls, ports, compute, board, signal } = options;
  const testedKinds = new Set<string>();
  const directory = createCoordinatorDirectory(urls);
  let servingUrl = urls[0] ?? '';
  let pauses = 0;

  const count = (): void => board.update({ bytesSent: counts.sent, bytesReceived: counts.received });
  const pause = (failed: number, until: AbortSignal): Promise<void> => {
    const { reconnectDelayMsMin: min, reconnectDelayMsMax: max } = limits;
    return delay(ports.timers, backoffDelayMs(failed, min, max, ports.chance()), until);
  };
  const loader: ShardLoader = createShardLoader({
    baseUrl: () => servingUrl,
    fetchBytes: ports.fetchBytes,
    sha256: ports.sha256,
    store: ports.shardStore,
    pause,
    onDownloaded: (bytes) => {
      counts.received += bytes;
      count();
    },
  });

  const connectAndServe = async (url: string): Promise<void> => {
    board.update({ phase: 'connecting', phaseText: `connecting to ${url}` });
    const link = countBytes(await ports.connect(url, signal), counts, count);
    const onRegistered = (coordinators: readonly string[]): void => {
      servingUrl = url;
      directory.accepted(url, coordinators);
      board.update({ coordinatorUrl: url });
    };
    const previousWorkerId = board.current.workerId;
    await runSession({ worker, compute, loader, link, previousWorkerId, onRegistered, testedKinds, signal });
  };

  /** Tells the directory how it went, and the person why it goes on elsewhere. */
  const onEnd = (url: string, error: unknown, isOfUse: boolean): void => {
    // A coordinator that only takes workers in, and drops them again, must not be asked without pauses.
    if (isOfUse) {
      pauses = 0;
      directory.settled();
    }
    const isFollower = error instanceof GradswarmError && error.code === 'notLeader';
    if (!isFollower) directory.failed(url);
    const doubt = isFollower ? directory.redirected(url, error.redirectUrl) : undefined;
    const message = doubt === undefined ? messageOf(error) : `${url} does not lead; ${doubt}`;
    board.update({
      phase: 'connecting',
      phaseText: `no connection, trying again: ${message}`,
      lastError: message,
    });
  };

  return {
    async next() {
      const { url, pauseFirst } = directory.next();
      // The pause ends early when the worker is stopped.
      if (pauseFirst) await pause(++pauses, signal).catch(() => {});
      if (signal.aborted) return;
      const { unitsAccepted } = board.current;
      try {
        await connectAndServe(url);
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof WorkerFailure || actionOf(error) === 'stop') throw error;
        onEnd(url, error, board.current.unitsAccepted > unitsAccepted);
      }
    },
    close: () => loader.close(),
  };
}
