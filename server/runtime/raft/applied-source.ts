import { limits } from '../../../shared/base/limits.ts';
import type { Entry } from '../../raft/entry.ts';
import type { CommittedSource } from '../committed-stream.ts';
import { NextChange } from '../next-change.ts';
import type { LogItem } from '../ports.ts';
import { type AppliedLog, snapshotItem } from './applied-log.ts';
import type { RaftStorage } from './raft-storage.ts';

/** Where consumers read from: the newest entries out of memory, older ones from the disk. */
export class AppliedSource implements CommittedSource {
  readonly #applied: AppliedLog;
  readonly #storage: RaftStorage;
  readonly #change = new NextChange();
  #isClosed = false;

  constructor(applied: AppliedLog, storage: RaftStorage) {
    this.#applied = applied;
    this.#storage = storage;
  }

  get firstIndex(): number {
    return this.#applied.firstIndex;
  }

  get lastIndex(): number {
    return this.#applied.appliedIndex;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  async readSnapshot(): Promise<LogItem | undefined> {
    const { snapshot } = this.#applied;
    return snapshot && snapshotItem(snapshot);
  }

  async readItems(from: number): Promise<readonly LogItem[]> {
    const entries = this.#applied.recentFrom(from) ?? (await this.#readStored(from));
    return entries.map((entry) => this.#applied.itemOf(entry));
  }

  changed(signal: AbortSignal): Promise<void> {
    return this.#change.wait(signal);
  }

  /** Entries after the newest snapshot up to `lastIndex`, which are applied. */
  async *entriesBehindSnapshot(lastIndex: number): AsyncGenerator<Entry> {
    let next = (this.#applied.snapshot?.meta.index ?? 0) + 1;
    while (next <= lastIndex) {
      for (const entry of await this.#storage.read(next, limits.logReadBytesMax)) {
        if (entry.index > lastIndex) return;
        next = entry.index + 1;
        yield entry;
      }
    }
  }

  wake(): void {
    this.#change.wake();
  }

  close(): void {
    this.#isClosed = true;
    this.wake();
  }

  /** What lies behind `lastIndex` is on the disk, and may never be committed. */
  async #readStored(from: number): Promise<readonly Entry[]> {
    try {
      const entries = await this.#storage.read(from, limits.logReadBytesMax);
      return entries.filter(({ index }) => index <= this.lastIndex);
    } catch (error) {
      if (this.#isClosed || from < this.firstIndex) return [];
      throw error;
    }
  }
}
