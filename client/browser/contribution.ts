import { computed, type ReadonlySignal, signal } from '@preact/signals';
import { limits } from '../../shared/base/limits.ts';
import { initialStatus, type WorkerStatus } from '../worker/session/status.ts';
import { addLoss, emptyLossHistory, type LossHistory } from './loss-history.ts';
import type { BrowserWorkerApi, BrowserWorkerOptions } from './worker-api.ts';

/** A dedicated worker that has been started, and the way to end it whatever it does. */
export interface OpenedWorker {
  readonly api: Pick<BrowserWorkerApi, 'start' | 'stop'>;
  onStatus(listener: (status: WorkerStatus) => void): Promise<void>;
  /** Whether the worker may use connections to other contributors; those that are open close when not. */
  allowPeers(isAllowed: boolean): Promise<void>;
  /** Called when the worker's script cannot be loaded or throws. */
  onError(listener: (message: string) => void): void;
  terminate(): void;
}

/** This tab's part in the work. There is no worker, no socket and no device before `start` and after `stop`. */
export interface Contribution {
  readonly status: ReadonlySignal<WorkerStatus>;
  readonly lossHistory: ReadonlySignal<LossHistory>;
  readonly isActive: ReadonlySignal<boolean>;
  start(options: BrowserWorkerOptions): Promise<void>;
  stop(): Promise<void>;
}

export function createContribution(
  openWorker: () => OpenedWorker,
  allowsPeers: ReadonlySignal<boolean>,
): Contribution {
  const status = signal<WorkerStatus>(initialStatus);
  const lossHistory = signal<LossHistory>(emptyLossHistory);
  const isActive = computed(() => status.value.phase !== 'stopped' && status.value.phase !== 'failed');
  let worker: OpenedWorker | undefined;

  const show = (next: WorkerStatus): void => {
    status.value = next;
    if (next.loss !== undefined) {
      lossHistory.value = addLoss(lossHistory.value, next.jobId, next.round, next.loss);
    }
  };
  const close = (): void => {
    worker?.terminate();
    worker = undefined;
  };
  const fail = (message: string): void => {
    close();
    show({ ...status.value, phase: 'failed', phaseText: 'stopped by an error', lastError: message });
  };

  /** The work needs no connections to others: it goes on without them. */
  const lend = (opened: OpenedWorker, isAllowed: boolean): void => {
    opened.allowPeers(isAllowed).catch((error: unknown) => {
      if (worker === opened) show({ ...status.value, lastError: messageOf(error) });
    });
  };

  allowsPeers.subscribe((isAllowed) => {
    if (worker !== undefined) lend(worker, isAllowed);
  });

  return {
    status,
    lossHistory,
    isActive,
    async start(options) {
      if (isActive.value) return;
      close();
      show({ ...initialStatus, phase: 'starting', phaseText: 'starting' });
      try {
        const opened = openWorker();
        worker = opened;
        const ifCurrent = (apply: () => void): void => {
          if (worker === opened) apply();
        };
        opened.onError((message) => ifCurrent(() => fail(message)));
        // The rest state that a new worker reports is not news: this page has already said that it starts.
        await opened.onStatus((next) => {
          if (next.phase !== 'stopped') ifCurrent(() => show(next));
        });
        if (allowsPeers.value) lend(opened, true);
        await opened.api.start(options);
      } catch (error) {
        fail(messageOf(error));
      }
    },
    async stop() {
      const stopping = worker;
      if (stopping === undefined) return;
      show({ ...status.value, phase: 'stopping', phaseText: 'stopping' });
      // A device that hangs must not keep a person from stopping.
      await Promise.race([stopping.api.stop().catch(() => undefined), delay(limits.shutdownTimeoutMs)]);
      if (worker !== stopping) return;
      close();
      show({ ...status.value, phase: 'stopped', phaseText: 'stopped', samplesPerSecond: 0 });
    },
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function delay(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
