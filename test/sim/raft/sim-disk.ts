import type { ClusterConfiguration } from '../../../server/raft/cluster-configuration.ts';
import type { HardState, RaftOutput, RaftStored, Snapshot } from '../../../server/raft/raft.ts';
import type { Random } from '../../../shared/base/random.ts';
import type { EventQueue } from './event-queue.ts';
import { MemberLog } from './member-log.ts';
import type { Durable } from './shadow.ts';
import type { Sightings } from './sightings.ts';

type Persist = NonNullable<RaftOutput['persist']>;

/** What a disk answers to the process that writes to it. */
export interface DiskListener {
  onDurable(outputs: readonly RaftOutput[]): void;
  /** Nothing is known of what was written since the last `onDurable`. */
  onSyncError(): void;
}

/**
 * A model of the log on a disk: a stream of records (hard state, snapshot, entries), made durable by one sync at a time
 * for everything that waits. A crash keeps any number of the records that were not synced, in order, the last one
 * perhaps torn: chained checksums give a real log the same shape.
 */
export class SimDisk implements Durable {
  log = new MemberLog();
  hardState: HardState = { term: 0, vote: '', commit: 0 };
  snapshot: Snapshot | undefined;
  syncMsMax = 2;
  failsNextSync = false;

  private waiting: RaftOutput[] = [];
  private syncing: RaftOutput[] = [];
  private generation = 0;
  private listener: DiskListener | undefined;
  private readonly queue: EventQueue;
  private readonly random: Random;
  private readonly sightings: Sightings;
  private readonly trailing: number;

  constructor(queue: EventQueue, random: Random, sightings: Sightings, trailing: number) {
    this.queue = queue;
    this.random = random;
    this.sightings = sightings;
    this.trailing = trailing;
  }

  get isIdle(): boolean {
    return this.waiting.length === 0 && this.syncing.length === 0;
  }

  /** What a process reads when it starts; it hears of its own writes from then on. */
  open(listener: DiskListener, initialConfiguration: ClusterConfiguration): RaftStored {
    this.listener = listener;
    const { hardState, snapshot } = this;
    return { hardState, snapshot, entries: this.log.entries.slice(), initialConfiguration };
  }

  write(output: RaftOutput): void {
    this.waiting.push(output);
    if (this.syncing.length === 0) this.startSync();
  }

  /** The process is gone, with everything that its machine had not written through. */
  crash(): void {
    const records = [...this.syncing, ...this.waiting].flatMap(({ persist }) =>
      persist === undefined ? [] : recordsOf(persist),
    );
    this.syncing = [];
    this.waiting = [];
    this.listener = undefined;
    this.generation++;
    if (records.length === 0) return;
    this.sightings.see('crash with a write under way');
    const kept = [0, records.length, this.random.below(records.length + 1)][this.random.below(3)] ?? 0;
    if (kept < records.length) this.sightings.see(kept === 0 ? 'unsynced write lost' : 'torn tail');
    for (const record of records.slice(0, kept)) this.apply(record);
  }

  /** What may still be read of it: less than was acknowledged, and without the vote. */
  rottenCopy(): SimDisk {
    const copy = new SimDisk(this.queue, this.random, this.sightings, this.trailing);
    if (this.random.below(4) === 0) return copy;
    copy.log = this.log.copy();
    copy.log.entries.length = this.random.below(copy.log.entries.length + 1);
    copy.snapshot = this.snapshot;
    copy.hardState = { ...this.hardState, vote: '' };
    return copy;
  }

  private startSync(): void {
    this.syncing = this.waiting;
    this.waiting = [];
    this.queue.schedule(1 + this.random.below(this.syncMsMax), this.onSynced, this.generation);
  }

  private readonly onSynced = (generation: number): void => {
    if (generation !== this.generation) return;
    if (this.failsNextSync) {
      this.failsNextSync = false;
      this.listener?.onSyncError();
      return;
    }
    const synced = this.syncing;
    for (const { persist } of synced) if (persist !== undefined) this.apply(persist);
    this.syncing = [];
    if (this.waiting.length > 0) this.startSync();
    this.listener?.onDurable(synced);
  };

  private apply({ hardState, snapshot, replacesLog, entries }: Persist): void {
    if (hardState !== undefined) this.hardState = hardState;
    if (snapshot !== undefined) {
      this.snapshot = snapshot;
      if (replacesLog) this.log.replace(snapshot.meta.index, snapshot.meta.term);
      else this.log.trim(snapshot.meta.index - this.trailing);
    }
    for (const entry of entries) this.log.write(entry);
  }
}

/** One record each, in the order in which the contract wants them. */
function recordsOf({ hardState, snapshot, replacesLog, entries }: Persist): Persist[] {
  const none = { hardState: undefined, snapshot: undefined, replacesLog: false, entries: [] };
  const records: Persist[] = [];
  if (hardState !== undefined) records.push({ ...none, hardState });
  if (snapshot !== undefined) records.push({ ...none, snapshot, replacesLog });
  for (const entry of entries) records.push({ ...none, entries: [entry] });
  return records;
}
