import { GradswarmError } from '../../../shared/base/errors.ts';

/** Lets so many tasks run at once, and so many wait. */
export interface Gate {
  /** @throws GradswarmError `unavailable` when too many wait, `cancelled` by the signal; or what the task throws. */
  run<Result>(task: () => Promise<Result>, signal: AbortSignal): Promise<Result>;
}

export function createGate(runningMax: number, waitingMax: number): Gate {
  let running = 0;
  const waiting = new Set<() => void>();

  const enter = (signal: AbortSignal): Promise<void> => {
    if (signal.aborted) return Promise.reject(cancelled());
    if (running < runningMax) {
      running += 1;
      return Promise.resolve();
    }
    if (waiting.size >= waitingMax) {
      return Promise.reject(new GradswarmError('unavailable', `${waiting.size} blobs wait there already`));
    }
    return new Promise((resolve, reject) => {
      const onTurn = (): void => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      const onAbort = (): void => {
        waiting.delete(onTurn);
        reject(cancelled());
      };
      waiting.add(onTurn);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  };

  /** The place is passed on, so that nobody slips in between. */
  const leave = (): void => {
    const [next] = waiting;
    if (next === undefined) {
      running -= 1;
      return;
    }
    waiting.delete(next);
    next();
  };

  return {
    async run(task, signal) {
      await enter(signal);
      try {
        return await task();
      } finally {
        leave();
      }
    },
  };
}

function cancelled(): GradswarmError {
  return new GradswarmError('cancelled', 'the caller gave up');
}
