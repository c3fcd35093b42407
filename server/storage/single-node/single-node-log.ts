import { join } from 'node:path';
import { GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';
import type { ProposalId } from '../../raft/entry.ts';
import { SessionTable } from '../../raft/session-table.ts';
import { checkProposal } from '../../runtime/check-proposal.ts';
import { type CommittedSource, committedStream } from '../../runtime/committed-stream.ts';
import type { Leadership, LogItem, ProposalOutcome, ReplicatedLog } from '../../runtime/ports.ts';
import type { Disk } from '../disk/disk.ts';
import { nodeDisk } from '../disk/node-disk.ts';
import { SegmentLog } from '../segment-log/segment-log.ts';
import { decodeItem, encodeCommand } from './entry-payload.ts';
import { type Snapshot, SnapshotStore } from './snapshot-store.ts';

export interface SingleNodeLogOptions {
  readonly folder: string;
  readonly clusterId: string;
  /** A write or sync failed; the process should end and start again. Proposals under way become `unknown`. */
  readonly onFatal: (error: Error) => void;
  readonly disk?: Disk;
  readonly segmentBytes?: number;
  readonly trailingEntries?: number;
}

/**
 * The replicated log of a cluster of one: what its own disk has synced is committed. Every start is a new epoch, which
 * is durable before leadership is reported.
 */
export class SingleNodeLog implements ReplicatedLog, CommittedSource {
  readonly #log: SegmentLog;
  readonly #snapshots: SnapshotStore;
  readonly #sessions: SessionTable;
  readonly #epoch: number;
  readonly #trailingEntries: number;
  readonly #pending = new Map<string, Promise<ProposalOutcome>>();
  readonly #listeners = new Set<(leadership: Leadership) => void>();
  readonly #waiting = new Set<() => void>();
  #pendingBytes = 0;
  #nextIndex: number;
  #snapshotIndex: number;
  #compaction: Promise<void> = Promise.resolve();
  #isClosed = false;

  private constructor(
    log: SegmentLog,
    snapshots: SnapshotStore,
    sessions: SessionTable,
    epoch: number,
    snapshotIndex: number,
    trailingEntries: number,
  ) {
    this.#log = log;
    this.#snapshots = snapshots;
    this.#sessions = sessions;
    this.#epoch = epoch;
    this.#nextIndex = log.lastIndex + 1;
    this.#snapshotIndex = snapshotIndex;
    this.#trailingEntries = trailingEntries;
  }

  /** @throws GradswarmError `corrupted` with file and offset, `dataFolderVersion`, `conflict`. */
  static async open(options: SingleNodeLogOptions): Promise<SingleNodeLog> {
    const { folder, clusterId, disk = nodeDisk, segmentBytes = limits.logSegmentBytesMax } = options;
    const snapshots = await SnapshotStore.open(disk, join(folder, 'snapshots'), clusterId);
    const snapshot = await snapshots.loadNewest();
    let opened: SingleNodeLog | undefined;
    const onFatal = (error: Error): void => {
      if (opened) opened.#stop();
      options.onFatal(error);
    };
    const segments = join(folder, 'segments');
    const log = await SegmentLog.open({ disk, folder: segments, clusterId, segmentBytes, onFatal });
    try {
      assertJoined(log, snapshot, segments);
      const sessions = await recoverSessions(log, snapshot);
      const epoch = Math.max(log.hardState.term, snapshot?.epoch ?? 0) + 1;
      const noop = { index: log.lastIndex + 1, term: epoch, payload: new Uint8Array() };
      await log.append([noop], { term: epoch, vote: '', commit: log.lastIndex });
      const trailing = options.trailingEntries ?? limits.logTrailingEntries;
      opened = new SingleNodeLog(log, snapshots, sessions, epoch, snapshot?.index ?? 0, trailing);
      return opened;
    } catch (error) {
      await log.close();
      throw error;
    }
  }

  async propose(command: Uint8Array, proposal: ProposalId): Promise<ProposalOutcome> {
    if (this.#isClosed) return { kind: 'notLeader' };
    checkProposal(command, proposal);
    const found = this.#sessions.find(proposal);
    if (found === 'forgotten') {
      throw new GradswarmError(
        'conflict',
        `Proposal ${proposal.sequence} of ${proposal.clientId} is too old to know.`,
      );
    }
    if (found !== 'new') return { kind: 'committed', ...found };
    const key = `${proposal.sequence} ${proposal.clientId}`;
    const underWay = this.#pending.get(key);
    if (underWay) return underWay;
    if (this.#pendingBytes + command.length > limits.logUncommittedBytesMax) {
      throw new GradswarmError('unavailable', 'Too many changes wait for the disk; try again.');
    }
    this.#pendingBytes += command.length;
    const outcome = this.#append(command, proposal).finally(() => {
      this.#pending.delete(key);
      this.#pendingBytes -= command.length;
    });
    this.#pending.set(key, outcome);
    return outcome;
  }

  committed(afterIndex: number): AsyncIterable<LogItem> {
    return committedStream(this, afterIndex);
  }

  /** With one member, what is durable here is all that was committed. */
  async barrier(): Promise<number> {
    return this.#log.lastIndex;
  }

  leadership(): Leadership {
    return { isLeader: !this.#isClosed, epoch: this.#epoch };
  }

  onLeadership(listener: (leadership: Leadership) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** @throws GradswarmError `badRequest` when `index` is not committed. */
  compact(index: number, snapshot: Uint8Array): Promise<void> {
    const compaction = this.#compaction.then(() => this.#compactNow(index, snapshot));
    this.#compaction = compaction.catch(() => {});
    return compaction;
  }

  async close(): Promise<void> {
    this.#stop();
    await this.#compaction;
    await this.#log.close();
  }

  // ---- What committed streams read ---------------------------------------------------------------------------------

  get firstIndex(): number {
    return Math.max(this.#log.firstIndex, this.#snapshotIndex - this.#trailingEntries + 1);
  }

  get lastIndex(): number {
    return this.#log.lastIndex;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  async readSnapshot(): Promise<LogItem> {
    // A compaction may replace the file while it is opened: its queue keeps the two apart.
    const reading = this.#compaction.then(() => this.#snapshots.loadNewest());
    this.#compaction = reading.then(
      () => {},
      () => {},
    );
    const snapshot = await reading;
    if (!snapshot) throw new GradswarmError('corrupted', 'The snapshot file has gone while it was in use.');
    const { index, epoch, state } = snapshot;
    return { kind: 'snapshot', index, epoch, bytes: state };
  }

  async readItems(from: number): Promise<readonly LogItem[]> {
    try {
      return (await this.#log.read(from, limits.logReadBytesMax)).map(decodeItem);
    } catch (error) {
      if (this.#isClosed || from < this.firstIndex) return [];
      throw error;
    }
  }

  changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener('abort', wake);
    });
  }

  async #append(command: Uint8Array, proposal: ProposalId): Promise<ProposalOutcome> {
    const position = { index: this.#nextIndex++, epoch: this.#epoch };
    const payload = encodeCommand(command, proposal);
    try {
      await this.#log.append([{ index: position.index, term: position.epoch, payload }]);
    } catch {
      return { kind: 'unknown' };
    }
    this.#sessions.record(proposal, position);
    this.#wakeStreams();
    return { kind: 'committed', ...position };
  }

  /** The sessions may be newer than `index`: the entries after it, which are durable, only repeat what they say. */
  async #compactNow(index: number, state: Uint8Array): Promise<void> {
    const epoch = this.#log.termAt(index);
    if (index <= this.#snapshotIndex) return;
    if (epoch === undefined) {
      throw new GradswarmError('badRequest', `Entry ${index} is not committed, so it has no snapshot.`);
    }
    await this.#snapshots.save({ index, epoch, sessions: this.#sessions.encode(), state });
    this.#snapshotIndex = index;
    await this.#log.compact(index - this.#trailingEntries);
  }

  #stop(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#wakeStreams();
    for (const listener of this.#listeners) listener(this.leadership());
  }

  #wakeStreams(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}

function assertJoined(log: SegmentLog, snapshot: Snapshot | undefined, folder: string): void {
  const index = snapshot?.index ?? 0;
  if (log.firstIndex <= index + 1 && log.lastIndex >= index) return;
  throw new GradswarmError(
    'corrupted',
    `${folder} holds entries ${log.firstIndex} to ${log.lastIndex}, which do not join the snapshot at ${index}. ` +
      'A file is missing; restore the data folder from a copy.',
  );
}

async function recoverSessions(log: SegmentLog, snapshot: Snapshot | undefined): Promise<SessionTable> {
  const sessions = snapshot ? SessionTable.decode(snapshot.sessions) : new SessionTable();
  let next = (snapshot?.index ?? 0) + 1;
  while (next <= log.lastIndex) {
    for (const entry of await log.read(next, limits.logReadBytesMax)) {
      const item = decodeItem(entry);
      if (item.kind === 'command') sessions.record(item.proposal, { index: item.index, epoch: item.epoch });
      next = entry.index + 1;
    }
  }
  return sessions;
}
