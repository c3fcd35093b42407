import { limits } from '../../shared/base/limits.ts';
import type { EncodedReply } from '../../shared/protocol/rpc-handlers.ts';

/** Versioned updates of topics, each encoded once and handed to every watcher at the watcher's own pace. */
export interface Broadcast {
  /** Updates from now on, until `signal` aborts or the topic ends. */
  watch(topic: string, signal: AbortSignal): AsyncIterable<EncodedReply>;
  /** `resync` goes to watchers that are too far behind in place of everything they have missed. */
  publish(topic: string, update: EncodedReply, resync: EncodedReply): void;
  /** No further update will come; watchers still get what waits for them. */
  end(topic: string): void;
  watchers(topic: string): number;
}

interface Watcher {
  queue: EncodedReply[];
  /** The queue is a single resync that was not taken yet. */
  isBehind: boolean;
  isEnded: boolean;
  wake(): void;
}

export function createBroadcast(lagMax: number = limits.watcherLagVersionsMax): Broadcast {
  const topics = new Map<string, Set<Watcher>>();

  const leave = (topic: string, watcher: Watcher): void => {
    const watchers = topics.get(topic);
    watchers?.delete(watcher);
    if (watchers?.size === 0) topics.delete(topic);
  };

  return {
    watch(topic, signal) {
      const watcher: Watcher = { queue: [], isBehind: false, isEnded: false, wake: () => {} };
      const watchers = topics.get(topic) ?? new Set<Watcher>();
      topics.set(topic, watchers.add(watcher));
      const stop = (): void => {
        watcher.isEnded = true;
        watcher.queue = [];
        leave(topic, watcher);
        watcher.wake();
      };
      signal.addEventListener('abort', stop, { once: true });
      if (signal.aborted) stop();
      return drain(watcher, stop);
    },
    publish(topic, update, resync) {
      for (const watcher of topics.get(topic) ?? []) {
        watcher.isBehind ||= watcher.queue.length >= lagMax;
        if (watcher.isBehind) watcher.queue = [resync];
        else watcher.queue.push(update);
        watcher.wake();
      }
    },
    end(topic) {
      for (const watcher of topics.get(topic) ?? []) {
        watcher.isEnded = true;
        watcher.wake();
      }
      topics.delete(topic);
    },
    watchers: (topic) => topics.get(topic)?.size ?? 0,
  };
}

async function* drain(watcher: Watcher, stop: () => void): AsyncGenerator<EncodedReply, void, undefined> {
  try {
    for (;;) {
      const item = watcher.queue.shift();
      if (item) {
        watcher.isBehind = false;
        yield item;
      } else if (watcher.isEnded) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          watcher.wake = resolve;
        });
      }
    }
  } finally {
    stop();
  }
}
