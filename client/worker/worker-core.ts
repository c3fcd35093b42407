import { GradswarmError } from '../../shared/base/errors.ts';
import { crc32 } from '../../shared/protocol/checksum.ts';
import { coordinatorUrl } from '../../shared/protocol/coordinator-url.ts';
import { systemTimers } from '../../shared/system/system-timers.ts';
import { fetchBytes } from './data/fetch-bytes.ts';
import { platformSha256 } from './data/sha256.ts';
import type { EngineChoice } from './engine/engine.ts';
import type { EngineHome } from './engine/engine-home.ts';
import { localCompute } from './local-compute.ts';
import { breathe } from './session/breathe.ts';
import type { ComputePorts, SessionPorts } from './session/ports.ts';
import { messageOf, WorkerFailure } from './session/refusal.ts';
import type { WorkerStatus } from './session/status.ts';
import { createStatusBoard } from './session/status-board.ts';
import { superviseWorker } from './session/supervisor.ts';

export interface WorkerCoreOptions {
  /** Base addresses of coordinators, such as `http://127.0.0.1:7077/`; the leader among them is found. */
  readonly urls: readonly string[];
  /** Empty for an anonymous contributor. */
  readonly token: string;
  readonly name: string;
  readonly home: 'browser' | 'node';
  /** Serve only this job; any job when absent. */
  readonly jobId?: string | undefined;
  readonly sampleText?: boolean;
  readonly backend: EngineChoice;
  readonly engineHome: EngineHome;
  readonly connect: SessionPorts['connect'];
  /** Called at most four times a second. */
  readonly onStatus: (status: WorkerStatus) => void;
  /** What a home does better than the portable parts, or a test brings. */
  readonly ports?: Partial<Omit<SessionPorts, 'connect'>>;
  readonly compute?: Partial<ComputePorts>;
}

/** The worker of every home. A core runs once at a time and may be started again after it has stopped. */
export interface WorkerCore {
  /** Returns at once; a failure shows as phase `failed` in the status. */
  start(): void;
  /** Gives leases back and resolves when nothing runs any more. */
  stop(): Promise<void>;
  status(): WorkerStatus;
  /** Resolves when the run that `start` began has ended, however it ended. */
  readonly ended: Promise<void>;
}

export function createWorkerCore(options: WorkerCoreOptions): WorkerCore {
  const ports = withDefaultPorts(options);
  const compute = { ...localCompute(options.backend, options.engineHome), ...options.compute };
  const board = createStatusBoard(ports.timers, options.onStatus);
  const { urls, token, name, home, jobId = '', sampleText = false } = options;
  const identity = { token, name, home, jobId, sampleText };
  let stopping = new AbortController();
  let running: Promise<void> | undefined;

  const run = async (signal: AbortSignal): Promise<void> => {
    try {
      await superviseWorker({ urls: baseUrls(urls), identity, ports, compute, board, signal });
      board.update({ phase: 'stopped', phaseText: 'stopped' });
    } catch (error) {
      const message = messageOf(error);
      const code = error instanceof GradswarmError ? { failureCode: error.code } : {};
      board.update({ phase: 'failed', phaseText: `stopped: ${message}`, lastError: message, ...code });
    }
    board.flush();
    running = undefined;
  };

  return {
    start() {
      if (running) return;
      stopping = new AbortController();
      running = run(stopping.signal);
    },
    async stop() {
      if (!running) return;
      board.update({ phase: 'stopping', phaseText: 'giving units back' });
      stopping.abort();
      await running;
    },
    status: () => board.current,
    get ended() {
      return running ?? Promise.resolve();
    },
  };
}

function withDefaultPorts({ connect, ports }: WorkerCoreOptions): SessionPorts {
  return {
    fetchBytes,
    sha256: platformSha256,
    checksum: crc32,
    timers: systemTimers,
    chance: Math.random,
    breathe,
    ...ports,
    connect,
  };
}

/** @throws WorkerFailure when an address is none, or there is none. */
function baseUrls(urls: readonly string[]): readonly string[] {
  if (urls.length === 0) throw new WorkerFailure('No coordinator was named.');
  return urls.map((text) => {
    const url = coordinatorUrl(text);
    if (url === undefined) throw new WorkerFailure(`"${text}" is not an address of a coordinator.`);
    return url;
  });
}
