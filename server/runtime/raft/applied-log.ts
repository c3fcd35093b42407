import { assert } from '../../../shared/base/assert.ts';
import { limits } from '../../../shared/base/limits.ts';
import type { ClusterConfiguration } from '../../raft/cluster-configuration.ts';
import { type Entry, entryBytes, type ProposalId } from '../../raft/entry.ts';
import type { RaftStored, Snapshot } from '../../raft/raft.ts';
import { type LogPosition, SessionTable } from '../../raft/session-table.ts';
import type { LogItem } from '../ports.ts';
import type { AppliedPosition } from './pending-proposals.ts';
import { decodeSnapshotBlob, encodeSnapshotBlob, hashSnapshot } from './snapshot-blob.ts';

interface EffectiveConfiguration {
  readonly index: number;
  readonly configuration: ClusterConfiguration;
}

/**
 * What is committed, as consumers see it: a deterministic function of the log. A proposal that stands in the log twice
 * is a command the first time and a marker the second, on every member.
 */
export class AppliedLog {
  #sessions: SessionTable;
  #snapshot: Snapshot | undefined;
  #appliedIndex: number;
  #appliedTerm: number;
  #firstIndex: number;
  /** Indexes from `firstIndex` on, ascending, whose proposal was applied before. */
  readonly #repeated = new Set<number>();
  /** Ascending; the first is in force at the snapshot, or at the beginning. */
  #configurations: EffectiveConfiguration[];
  #recent: Entry[] = [];
  #recentBytes = 0;

  constructor({ snapshot, initialConfiguration }: RaftStored) {
    const index = snapshot?.meta.index ?? 0;
    this.#snapshot = snapshot;
    this.#sessions = sessionsOf(snapshot);
    this.#appliedIndex = index;
    this.#appliedTerm = snapshot?.meta.term ?? 0;
    // Which of the entries before the snapshot repeat an earlier one is not known any more.
    this.#firstIndex = index + 1;
    this.#configurations = [{ index, configuration: snapshot?.meta.configuration ?? initialConfiguration }];
  }

  /** Consumers that lack an earlier entry get the snapshot. */
  get firstIndex(): number {
    return this.#firstIndex;
  }

  get appliedIndex(): number {
    return this.#appliedIndex;
  }

  get appliedTerm(): number {
    return this.#appliedTerm;
  }

  get snapshot(): Snapshot | undefined {
    return this.#snapshot;
  }

  find(proposal: ProposalId): LogPosition | 'new' | 'forgotten' {
    return this.#sessions.find(proposal);
  }

  /** Entries come in order and without gaps. Returns where a command's proposal stands in the log first. */
  apply(entry: Entry): AppliedPosition | undefined {
    assert(entry.index === this.#appliedIndex + 1, `entry ${this.#appliedIndex + 1} is applied next`);
    this.#appliedIndex = entry.index;
    this.#appliedTerm = entry.term;
    this.#remember(entry);
    const { body, index, term } = entry;
    if (body.kind === 'configuration')
      this.#configurations.push({ index, configuration: body.configuration });
    if (body.kind !== 'command') return undefined;
    const found = this.#sessions.find(body.proposal);
    if (isRepeated(found, index)) {
      this.#repeated.add(index);
      return found;
    }
    const position = { index, epoch: term };
    this.#sessions.record(body.proposal, position);
    return position;
  }

  /** The state of a leader takes the place of everything before it. */
  install(snapshot: Snapshot): void {
    const { index, term, configuration } = snapshot.meta;
    assert(index > this.#appliedIndex, 'a snapshot is installed when it is ahead');
    this.#snapshot = snapshot;
    this.#sessions = sessionsOf(snapshot);
    this.#appliedIndex = index;
    this.#appliedTerm = term;
    this.#firstIndex = index + 1;
    this.#repeated.clear();
    this.#configurations = [{ index, configuration }];
    this.#recent = [];
    this.#recentBytes = 0;
  }

  /**
   * The snapshot at `index`, which is applied. `entries` are those after the newest snapshot up to `index`: the sessions
   * as they were at `index` are found by applying them again.
   */
  async makeSnapshot(index: number, state: Uint8Array, entries: AsyncIterable<Entry>): Promise<Snapshot> {
    const inForce = this.#configurations.findLast((each) => each.index <= index);
    assert(inForce !== undefined, 'a configuration is in force at every entry');
    const sessions = sessionsOf(this.#snapshot);
    let term = 0;
    for await (const { index: at, term: epoch, body } of entries) {
      term = epoch;
      if (body.kind !== 'command' || isRepeated(sessions.find(body.proposal), at)) continue;
      sessions.record(body.proposal, { index: at, epoch });
    }
    const blob = encodeSnapshotBlob({ sessions: sessions.encode(), state });
    const sha256 = hashSnapshot(blob);
    const { configuration } = inForce;
    return { meta: { index, term, configuration, totalBytes: blob.length, sha256 }, bytes: blob };
  }

  /** `snapshot` is durable; consumers may still read `trailingEntries` before it. */
  compact(snapshot: Snapshot, trailingEntries: number): void {
    const { index } = snapshot.meta;
    this.#snapshot = snapshot;
    this.#firstIndex = Math.max(this.#firstIndex, index - trailingEntries + 1);
    for (const repeated of this.#repeated) {
      if (repeated >= this.#firstIndex) break;
      this.#repeated.delete(repeated);
    }
    const inForce = this.#configurations.findLastIndex((each) => each.index <= index);
    this.#configurations = this.#configurations.slice(inForce);
  }

  /** Entries from `from` on that are still in memory. */
  recentFrom(from: number): readonly Entry[] | undefined {
    const first = this.#recent[0]?.index;
    return first === undefined || from < first ? undefined : this.#recent.slice(from - first);
  }

  itemOf({ index, term: epoch, body }: Entry): LogItem {
    if (body.kind !== 'command' || this.#repeated.has(index)) return { kind: 'noop', index, epoch };
    return { kind: 'command', index, epoch, bytes: body.bytes, proposal: body.proposal };
  }

  #remember(entry: Entry): void {
    this.#recent.push(entry);
    this.#recentBytes += entryBytes(entry);
    // Half at a time, so that no entry is moved for every one that comes.
    if (this.#recentBytes <= limits.raftRecentBytesMax) return;
    let dropped = 0;
    while (this.#recentBytes > limits.raftRecentBytesMax / 2 && dropped < this.#recent.length - 1) {
      const oldest = this.#recent[dropped++];
      if (oldest) this.#recentBytes -= entryBytes(oldest);
    }
    this.#recent = this.#recent.slice(dropped);
  }
}

/** The sessions of a snapshot from before there were clusters may already hold entries that follow it. */
function isRepeated(
  found: LogPosition | 'new' | 'forgotten',
  index: number,
): found is LogPosition | 'forgotten' {
  return found !== 'new' && (found === 'forgotten' || found.index !== index);
}

function sessionsOf(snapshot: Snapshot | undefined): SessionTable {
  return snapshot ? SessionTable.decode(decodeSnapshotBlob(snapshot.bytes).sessions) : new SessionTable();
}

export function snapshotItem({ meta, bytes }: Snapshot): LogItem {
  return {
    kind: 'snapshot',
    index: meta.index,
    epoch: meta.term,
    bytes: decodeSnapshotBlob(bytes).state,
  };
}
