import { limits } from '../../../shared/base/limits.ts';
import type { Timers } from '../../../shared/protocol/timers.ts';
import { initialStatus, type WorkerStatus } from './status.ts';

/** The one place that holds the worker's status. Readers hear of changes at most once per `limits.statusIntervalMs`. */
export interface StatusBoard {
  readonly current: WorkerStatus;
  update(changes: Partial<WorkerStatus>): void;
  /** Tells the reader now, whatever the interval. */
  flush(): void;
}

export function createStatusBoard(timers: Timers, onStatus: (status: WorkerStatus) => void): StatusBoard {
  let current = initialStatus;
  let toldAtMs = Number.NEGATIVE_INFINITY;
  let cancelTimer: (() => void) | undefined;

  const flush = (): void => {
    cancelTimer?.();
    cancelTimer = undefined;
    toldAtMs = timers.nowMs();
    onStatus(current);
  };

  return {
    get current() {
      return current;
    },
    update(changes) {
      current = { ...current, ...changes };
      const waitMs = toldAtMs + limits.statusIntervalMs - timers.nowMs();
      if (waitMs <= 0) flush();
      else cancelTimer ??= timers.after(waitMs, flush);
    },
    flush,
  };
}
