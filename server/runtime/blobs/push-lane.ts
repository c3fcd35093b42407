import type { GradswarmError } from '../../../shared/base/errors.ts';
import type { BlobHash } from '../../../shared/base/ids.ts';
import { limits } from '../../../shared/base/limits.ts';
import type { Timers } from '../../../shared/protocol/timers.ts';

export interface PushLaneDependencies {
  /** Calls `done` once, unless the returned function is called before. */
  push(hash: BlobHash, done: (error?: GradswarmError) => void): () => void;
  /** Whether a blob that could not be stored is worth another attempt, or one that waits its turn. */
  isNeeded(hash: BlobHash): boolean;
  /** The blob is stored there, or given up: the coordinator will fetch it when it misses it. */
  settled(hash: BlobHash, isStored: boolean): void;
  readonly timers: Timers;
}

/** Blobs on their way to one coordinator: a few at once, urgent ones first, the others in order. */
export interface PushLane {
  add(hash: BlobHash, isUrgent: boolean): void;
  /** Without a word to `settled`. */
  drop(hash: BlobHash): void;
  /** Gives up the oldest that are not needed where too many wait. */
  trim(): void;
  close(): void;
}

export function createPushLane({ push, isNeeded, settled, timers }: PushLaneDependencies): PushLane {
  const urgent = new Set<BlobHash>();
  const others = new Set<BlobHash>();
  const active = new Map<BlobHash, () => void>();
  let failures = 0;
  let wake: (() => void) | undefined;

  const next = (): { readonly hash: BlobHash; readonly isUrgent: boolean } | undefined => {
    for (const queue of [urgent, others]) {
      const [hash] = queue;
      if (hash !== undefined) return { hash, isUrgent: queue === urgent };
    }
    return undefined;
  };

  const pump = (): void => {
    while (wake === undefined && active.size < limits.blobPushesPerPeerMax) {
      const task = next();
      if (task === undefined) return;
      start(task.hash, task.isUrgent);
    }
  };

  const start = (hash: BlobHash, isUrgent: boolean): void => {
    urgent.delete(hash);
    others.delete(hash);
    active.set(hash, () => {});
    const cancel = push(hash, (error) => {
      active.delete(hash);
      if (error === undefined) failures = 0;
      else pause();
      if (error !== undefined && isNeeded(hash)) (isUrgent ? urgent : others).add(hash);
      else settled(hash, error === undefined);
      pump();
    });
    if (active.has(hash)) active.set(hash, cancel);
  };

  const pause = (): void => {
    const delayMs = Math.min(limits.blobPushRetryMsMin * 2 ** failures, limits.blobPushRetryMsMax);
    failures = Math.min(failures + 1, 16);
    wake ??= timers.after(delayMs, () => {
      wake = undefined;
      pump();
    });
  };

  return {
    add(hash, isUrgent) {
      if (active.has(hash)) return;
      (isUrgent ? urgent : others).add(hash);
      pump();
    },
    drop(hash) {
      urgent.delete(hash);
      others.delete(hash);
      active.get(hash)?.();
      active.delete(hash);
    },
    trim() {
      let excess = urgent.size + others.size - limits.blobPushBacklogMax;
      for (const queue of [others, urgent]) {
        for (const hash of queue) {
          if (excess <= 0) return;
          if (isNeeded(hash)) continue;
          queue.delete(hash);
          excess -= 1;
          settled(hash, false);
        }
      }
    },
    close() {
      wake?.();
      wake = undefined;
      urgent.clear();
      others.clear();
      for (const cancel of active.values()) cancel();
      active.clear();
    },
  };
}
