import type { Entry } from '../../raft/entry.ts';
import type { RaftOutput, RaftStored, Snapshot } from '../../raft/raft.ts';

export type Persist = NonNullable<RaftOutput['persist']>;

/** What a member keeps on its disk. */
export interface RaftStorage {
  /**
   * Durable when it resolves: hard state, then snapshot, then entries. Calls take effect in their order. A rejection
   * means that nobody knows what the disk holds: nothing may be acknowledged then or later.
   */
  persist(part: Persist): Promise<void>;
  /** Durable when it resolves; the log stays as it is, and an older snapshot does nothing. */
  saveSnapshot(snapshot: Snapshot): Promise<void>;
  /** Entries up to `index` may go; the newest snapshot covers them. */
  dropEntries(index: number): Promise<void>;
  /**
   * Durable entries from `from` on, up to `bytesMax` but at least one; empty at the end of the log.
   * @throws GradswarmError `notFound` when `from` was dropped, `corrupted`.
   */
  read(from: number, bytesMax: number): Promise<readonly Entry[]>;
  /** Waits for what is under way. */
  close(): Promise<void>;
}

export interface OpenedStorage {
  readonly storage: RaftStorage;
  readonly stored: RaftStored;
}
