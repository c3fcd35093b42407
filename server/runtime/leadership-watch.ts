import { GradswarmError } from '../../shared/base/errors.ts';
import { limits } from '../../shared/base/limits.ts';
import type { Event } from '../core/events.ts';
import type { Leadership, ReplicatedLog } from './ports.ts';

export interface LeadershipWatch {
  /** The stream has handed out everything up to `index`. */
  delivered(index: number): void;
  /** True when everything that was committed before the call is delivered; false when the log was closed. */
  reachPresent(): Promise<boolean>;
  /** Tells the core from now on whether it leads. Resolves when it knows. */
  announce(): Promise<void>;
  /** Grows with `attempt`; over at once when the watch is stopped. */
  pause(attempt: number): Promise<void>;
  stop(): void;
}

export interface LeadershipWatchDependencies {
  readonly log: Pick<ReplicatedLog, 'barrier' | 'leadership' | 'onLeadership'>;
  post(event: Event): void;
  onFatal(error: unknown): void;
}

/**
 * Turns the log's leadership into `becameLeader` and `lostLeadership`. A leader must have applied everything that its
 * predecessors committed, so it is announced only when the stream has delivered all up to a barrier taken since; a loss
 * is announced at once.
 */
export function createLeadershipWatch({ log, post, onFatal }: LeadershipWatchDependencies): LeadershipWatch {
  const waiting = new Set<{ readonly index: number; readonly wake: () => void }>();
  const pauses = new Set<() => void>();
  let deliveredIndex = 0;
  let announcedEpoch: number | undefined;
  let changes = 0;
  let isStopped = false;
  let unsubscribe = (): void => {};

  const delivered = (index: number): void => {
    deliveredIndex = index;
    for (const wait of waiting) {
      if (wait.index > index) continue;
      waiting.delete(wait);
      wait.wake();
    }
  };

  const reach = (index: number): Promise<void> =>
    new Promise((resolve) => {
      if (index <= deliveredIndex || isStopped) resolve();
      else waiting.add({ index, wake: resolve });
    });

  const pause = (attempt: number): Promise<void> =>
    new Promise((resolve) => {
      if (isStopped) return resolve();
      const end = (): void => {
        clearTimeout(timer);
        pauses.delete(end);
        resolve();
      };
      const delayMs = Math.min(limits.logRetryMsMin * 2 ** Math.min(attempt, 16), limits.logRetryMsMax);
      const timer = setTimeout(end, delayMs);
      pauses.add(end);
    });

  /** False when `isOver`, or the log is closed. */
  const reachPresent = async (isOver: () => boolean = () => false): Promise<boolean> => {
    for (let attempt = 0; !isStopped && !isOver(); attempt++) {
      try {
        await reach(await log.barrier());
        return !isStopped && !isOver();
      } catch (error) {
        // No leader can be asked now.
        if (!(error instanceof GradswarmError)) throw error;
      }
      await pause(attempt);
    }
    return false;
  };

  const lose = (): void => {
    announcedEpoch = undefined;
    post({ kind: 'lostLeadership' });
  };

  const follow = async ({ isLeader, epoch }: Leadership): Promise<void> => {
    changes += 1;
    const change = changes;
    if (isLeader && epoch === announcedEpoch) return;
    if (!isLeader || announcedEpoch !== undefined) lose();
    if (!isLeader || !(await reachPresent(() => change !== changes))) return;
    announcedEpoch = epoch;
    post({ kind: 'becameLeader', epoch });
  };

  return {
    delivered,
    reachPresent: () => reachPresent(),
    async announce() {
      unsubscribe = log.onLeadership((leadership) => {
        follow(leadership).catch(onFatal);
      });
      await follow(log.leadership());
    },
    pause,
    stop() {
      isStopped = true;
      unsubscribe();
      for (const { wake } of waiting) wake();
      waiting.clear();
      for (const end of [...pauses]) end();
    },
  };
}
