import { limits } from '../../../shared/base/limits.ts';
import { SessionTable } from '../../raft/session-table.ts';
import { NextChange } from '../../runtime/next-change.ts';
import type { LogItem } from '../../runtime/ports.ts';
import { type Batch, firstIndexOf, lastIndexOf } from './batch.ts';
import type { SnapshotReference } from './snapshot-reference.ts';

interface Recent {
  readonly batch: Batch;
  readonly bytes: number;
}

/**
 * What this process knows of the log in etcd: a prefix of it, with the newest entries in memory and the proposals of
 * all. It grows by what was appended here, by what the watch tells and by what is read, whichever comes first.
 */
export class LogView {
  #sessions = new SessionTable();
  /** The sessions of a snapshot may hold entries after it. */
  #sessionsIndex = 0;
  #lastIndex = 0;
  #recent: Recent[] = [];
  #recentBytes = 0;
  #revision = 0;
  #snapshot: SnapshotReference | undefined;
  readonly #change = new NextChange();

  get sessions(): SessionTable {
    return this.#sessions;
  }

  get lastIndex(): number {
    return this.#lastIndex;
  }

  /** Earlier entries are only in the snapshot. */
  get firstIndex(): number {
    return this.#snapshot?.firstIndex ?? 1;
  }

  get snapshot(): SnapshotReference | undefined {
    return this.#snapshot;
  }

  /** Newest revision of etcd that anything here is of. */
  get revision(): number {
    return this.#revision;
  }

  noteRevision(revision: number): void {
    this.#revision = Math.max(this.#revision, revision);
  }

  setSnapshot(snapshot: SnapshotReference): void {
    if (snapshot.index <= (this.#snapshot?.index ?? 0)) return;
    this.#snapshot = snapshot;
    this.wake();
  }

  /** A batch that is known already is ignored. False when entries before it are missing. */
  accept(batch: Batch, bytes: number): boolean {
    if (lastIndexOf(batch) <= this.#lastIndex) return true;
    if (firstIndexOf(batch) > this.#lastIndex + 1) return false;
    const knownIndex = Math.max(this.#sessionsIndex, this.#lastIndex);
    for (const entry of batch) {
      if (entry.kind === 'noop' || entry.index <= knownIndex) continue;
      this.#sessions.record(entry.proposal, { index: entry.index, epoch: entry.epoch });
    }
    this.#lastIndex = lastIndexOf(batch);
    this.#recent.push({ batch, bytes });
    this.#recentBytes += bytes;
    while (this.#recentBytes > limits.etcdRecentBytesMax && this.#recent.length > 1) {
      this.#recentBytes -= this.#recent.shift()?.bytes ?? 0;
    }
    this.wake();
    return true;
  }

  /** Goes on from a snapshot, whose next entries were compacted before they were read here. */
  restart(snapshot: SnapshotReference, sessions: SessionTable): void {
    if (snapshot.index <= this.#lastIndex) return;
    this.#sessions = sessions;
    this.#sessionsIndex = snapshot.sessionsIndex;
    this.#lastIndex = snapshot.index;
    this.#recent = [];
    this.#recentBytes = 0;
    this.wake();
  }

  /** Entries from `from` on, when they are in memory. */
  readRecent(from: number): readonly LogItem[] | undefined {
    // Consumers mostly ask for the newest entries.
    const position = this.#recent.findLastIndex(({ batch }) => firstIndexOf(batch) <= from);
    if (position < 0) return undefined;
    return this.#recent[position]?.batch.filter(({ index }) => index >= from);
  }

  /** Resolves at the next change, or when `signal` is aborted. */
  changed(signal: AbortSignal): Promise<void> {
    return this.#change.wait(signal);
  }

  wake(): void {
    this.#change.wake();
  }
}
