import type { LogItem } from './ports.ts';

/** What a stream reads from. `lastIndex` grows; `firstIndex` grows when the log is compacted. */
export interface CommittedSource {
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly isClosed: boolean;
  /** The newest snapshot, whose index is `firstIndex - 1` or more; undefined when the log was closed meanwhile. */
  readSnapshot(): Promise<LogItem | undefined>;
  /** Some items from `from` on; none when they were compacted, or the log was closed, in the meantime. */
  readItems(from: number): Promise<readonly LogItem[]>;
  /** Resolves at the next change of the above, or when `signal` is aborted. */
  changed(signal: AbortSignal): Promise<void>;
}

/**
 * Items after `afterIndex`, in order and without gaps. Only a bounded batch is in memory; a consumer that falls behind
 * a compaction gets the snapshot. A `return` while it waits for a new item ends it at once.
 */
export function committedStream(source: CommittedSource, afterIndex: number): AsyncIterable<LogItem> {
  return {
    [Symbol.asyncIterator]: () => {
      const abandoned = new AbortController();
      const items = generateItems(source, afterIndex, abandoned.signal);
      return {
        next: () => items.next(),
        return: () => {
          abandoned.abort();
          return items.return(undefined);
        },
      };
    },
  };
}

async function* generateItems(
  source: CommittedSource,
  afterIndex: number,
  signal: AbortSignal,
): AsyncGenerator<LogItem, undefined> {
  let next = afterIndex + 1;
  while (!source.isClosed && !signal.aborted) {
    if (next < source.firstIndex) {
      const snapshot = await source.readSnapshot();
      if (snapshot === undefined) return undefined;
      next = snapshot.index + 1;
      yield snapshot;
    } else if (next > source.lastIndex) {
      await source.changed(signal);
    } else {
      for (const item of await source.readItems(next)) {
        next = item.index + 1;
        yield item;
      }
    }
  }
}
