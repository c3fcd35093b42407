import { GradswarmError } from '../../shared/base/errors.ts';
import type { Entry } from '../raft/entry.ts';
import type { HardState, Snapshot } from '../raft/raft.ts';
import type { Persist, RaftStorage } from '../runtime/raft/raft-storage.ts';
import { hashSnapshot } from '../runtime/raft/snapshot-blob.ts';
import { decodeEntryBody, encodeEntryBody } from './entry-body.ts';
import type { LogEntry } from './segment-log/record.ts';
import type { SegmentLog } from './segment-log/segment-log.ts';
import type { SnapshotStore } from './snapshot-store.ts';

export function decodeEntry({ index, term, payload }: LogEntry): Entry {
  return { index, term, body: decodeEntryBody(payload) };
}

function encodeEntry({ index, term, body }: Entry): LogEntry {
  return { index, term, payload: encodeEntryBody(body) };
}

/** Log and hard state in segments, the newest snapshot in a file of its own. */
export class SegmentRaftStorage implements RaftStorage {
  readonly #log: SegmentLog;
  readonly #snapshots: SnapshotStore;
  readonly #onFatal: (error: Error) => void;
  /** Of the newest snapshot that is in effect. */
  #snapshotIndex: number;
  /** Snapshots are written one at a time. */
  #snapshotWork: Promise<void> = Promise.resolve();
  /** The last call that came while a snapshot was on its way into the log's place. */
  #behindSnapshot: Promise<void> | undefined;

  constructor(
    log: SegmentLog,
    snapshots: SnapshotStore,
    snapshot: Snapshot | undefined,
    onFatal: (error: Error) => void,
  ) {
    this.#log = log;
    this.#snapshots = snapshots;
    this.#snapshotIndex = snapshot?.meta.index ?? 0;
    this.#onFatal = onFatal;
  }

  persist(part: Persist): Promise<void> {
    const { snapshot, hardState, entries } = part;
    const isNew = snapshot !== undefined && snapshot.meta.index > this.#snapshotIndex;
    if (!isNew && this.#behindSnapshot === undefined) return this.#append(hardState, entries);
    const work = (this.#behindSnapshot ?? Promise.resolve()).then(() => this.#persistWithSnapshot(part));
    const settled = work.then(
      () => {
        if (this.#behindSnapshot === work) this.#behindSnapshot = undefined;
      },
      (error: Error) => this.#onFatal(error),
    );
    this.#behindSnapshot = work;
    return settled.then(() => work);
  }

  saveSnapshot(snapshot: Snapshot): Promise<void> {
    return this.#oneAtATime(async () => {
      const { index } = snapshot.meta;
      if (index <= this.#snapshotIndex) return;
      await this.#snapshots.stage(snapshot);
      await this.#snapshots.promote(index);
      this.#snapshotIndex = index;
    });
  }

  dropEntries(index: number): Promise<void> {
    return this.#log.compact(Math.min(index, this.#snapshotIndex));
  }

  async read(from: number, bytesMax: number): Promise<readonly Entry[]> {
    return (await this.#log.read(from, bytesMax)).map(decodeEntry);
  }

  async close(): Promise<void> {
    await this.#behindSnapshot?.catch(() => {});
    await this.#snapshotWork;
    await this.#log.close();
  }

  #append(hardState: HardState | undefined, entries: readonly Entry[]): Promise<void> {
    if (hardState === undefined && entries.length === 0) return Promise.resolve();
    return this.#log.append(entries.map(encodeEntry), hardState);
  }

  async #persistWithSnapshot({ hardState, snapshot, replacesLog, entries }: Persist): Promise<void> {
    if (snapshot && replacesLog) await this.#replaceLog(snapshot, hardState);
    else {
      if (snapshot) await this.saveSnapshot(snapshot);
      await this.#append(hardState, []);
    }
    await this.#append(undefined, entries);
  }

  /** Staged before the log is emptied, in effect after it: see `SnapshotStore`. */
  async #replaceLog(snapshot: Snapshot, hardState: HardState | undefined): Promise<void> {
    const { index, term, sha256, totalBytes } = snapshot.meta;
    if (snapshot.bytes.length !== totalBytes || hashSnapshot(snapshot.bytes) !== sha256) {
      throw new GradswarmError(
        'hashMismatch',
        `The snapshot at ${index} that the leader sent was damaged on its way.`,
      );
    }
    await this.#append(hardState, []);
    await this.#oneAtATime(async () => {
      await this.#snapshots.stage(snapshot);
      await this.#log.reset(index, term);
      await this.#snapshots.promote(index);
      this.#snapshotIndex = index;
    });
    await this.#log.compact(index);
  }

  #oneAtATime(work: () => Promise<void>): Promise<void> {
    const done = this.#snapshotWork.then(work);
    this.#snapshotWork = done.catch(() => {});
    return done;
  }
}
