import { assert } from '../../shared/base/assert.ts';
import type { ClusterConfiguration } from './cluster-configuration.ts';
import { type Entry, entryBytes } from './entry.ts';
import type { SnapshotMeta } from './message.ts';
import type { RaftStored } from './raft.ts';

interface EffectiveConfiguration {
  /** Of its entry, or of the snapshot that brought it. */
  readonly index: number;
  readonly configuration: ClusterConfiguration;
}

/**
 * A member's log in memory: everything after the base, which is the last entry dropped and of which only index and
 * term are known. Invariants: entries have no gaps; terms never fall; nothing committed is truncated; the base is
 * committed. The newest configuration in the log is the one in force, committed or not (Ongaro 2014, section 4.1).
 */
export class MemberLog {
  baseIndex: number;
  baseTerm: number;
  commit: number;
  /** As `entryBytes` counts. */
  bytes = 0;
  #entries: Entry[] = [];
  /** Ascending; the first is in force at the base or was before it. */
  #configurations: EffectiveConfiguration[];

  constructor({ hardState, snapshot, entries, initialConfiguration }: RaftStored) {
    const start = snapshot?.meta ?? { index: 0, term: 0, configuration: initialConfiguration };
    this.#configurations = [{ index: start.index, configuration: start.configuration }];
    const { base, rest } = behind(start, entries);
    this.baseIndex = base.index;
    this.baseTerm = base.term;
    for (const entry of rest) this.append(entry);
    this.commit = Math.max(start.index, Math.min(hardState.commit, this.lastIndex));
  }

  get firstIndex(): number {
    return this.baseIndex + 1;
  }

  get lastIndex(): number {
    return this.baseIndex + this.#entries.length;
  }

  get lastTerm(): number {
    return this.#entries.at(-1)?.term ?? this.baseTerm;
  }

  get configuration(): ClusterConfiguration {
    return this.#newest.configuration;
  }

  get configurationIndex(): number {
    return this.#newest.index;
  }

  /** In force when `index` was the last entry; of the log that is kept. */
  configurationAt(index: number): ClusterConfiguration {
    const found = this.#configurations.findLast((candidate) => candidate.index <= index);
    assert(found !== undefined, `the configuration at entry ${index} is known`);
    return found.configuration;
  }

  get #newest(): EffectiveConfiguration {
    const newest = this.#configurations.at(-1);
    assert(newest !== undefined, 'a log always has a configuration');
    return newest;
  }

  /** Of the base and everything after it; undefined for what was dropped or is not there yet. */
  termAt(index: number): number | undefined {
    return index === this.baseIndex ? this.baseTerm : this.#entries[index - this.baseIndex - 1]?.term;
  }

  /** The entries `first` to `last`, both included. */
  range(first: number, last: number): readonly Entry[] {
    return this.#entries.slice(first - this.baseIndex - 1, last - this.baseIndex);
  }

  /** As many entries from `first` on as fit into `bytesMax`, and at least one. */
  batch(first: number, bytesMax: number): { readonly entries: readonly Entry[]; readonly bytes: number } {
    const start = first - this.baseIndex - 1;
    let end = start;
    let bytes = 0;
    for (; end < this.#entries.length; end++) {
      const entry = this.#entries[end];
      const size = entry === undefined ? 0 : entryBytes(entry);
      if (end > start && bytes + size > bytesMax) break;
      bytes += size;
    }
    return { entries: this.#entries.slice(start, end), bytes };
  }

  /** As `entryBytes` counts, of the entries `first` to `last`. */
  bytesBetween(first: number, last: number): number {
    let bytes = 0;
    for (let index = first; index <= last; index++) {
      const entry = this.#entries[index - this.baseIndex - 1];
      if (entry !== undefined) bytes += entryBytes(entry);
    }
    return bytes;
  }

  /** The last index up to `index` whose term is at most `term`; the base when all are later. Terms never fall. */
  lastOfTerm(index: number, term: number): number {
    let low = this.baseIndex;
    let high = Math.min(index, this.lastIndex);
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.termAt(middle) ?? 0) <= term) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  append(entry: Entry): void {
    assert(entry.index === this.lastIndex + 1, `entry ${this.lastIndex + 1} follows`);
    assert(entry.term >= this.lastTerm, `the term of entry ${entry.index} is not below the one before`);
    this.#entries.push(entry);
    this.bytes += entryBytes(entry);
    const { body, index } = entry;
    if (body.kind === 'configuration' && index > this.configurationIndex) {
      this.#configurations.push({ index, configuration: body.configuration });
    }
  }

  /** Drops `index` and everything after it, and with it the configurations that were in force by it. */
  truncateFrom(index: number): void {
    assert(index > this.commit, `entry ${index} is not committed, so that it may be replaced`);
    this.bytes -= this.bytesBetween(index, this.lastIndex);
    this.#entries.length = index - this.baseIndex - 1;
    while (this.configurationIndex >= index) this.#configurations.pop();
  }

  /** Drops entries up to `index`, which the state of a snapshot covers. */
  dropThrough(index: number): void {
    if (index <= this.baseIndex) return;
    const term = this.termAt(index);
    assert(term !== undefined && index <= this.commit, `entry ${index} is here and committed`);
    this.bytes -= this.bytesBetween(this.firstIndex, index);
    this.#entries = this.#entries.slice(index - this.baseIndex);
    this.baseIndex = index;
    this.baseTerm = term;
    while ((this.#configurations[1]?.index ?? Number.POSITIVE_INFINITY) <= index)
      this.#configurations.shift();
  }

  /** Begins anew behind a snapshot. */
  replaceBy({ index, term, configuration }: SnapshotMeta): void {
    assert(index > this.commit, 'a snapshot is installed when it is ahead');
    this.#entries = [];
    this.#configurations = [{ index, configuration }];
    this.bytes = 0;
    this.baseIndex = index;
    this.baseTerm = term;
    this.commit = index;
  }
}

type Start = Pick<SnapshotMeta, 'index' | 'term'>;

/**
 * Where a stored log begins in memory. Entries before the snapshot's end are of use to followers, but the first of them
 * only as the base, since the term before it is not known. Those that do not lead to the snapshot were replaced by it.
 */
function behind(start: Start, entries: readonly Entry[]): { base: Start; rest: readonly Entry[] } {
  const first = entries[0];
  if (first === undefined) return { base: start, rest: [] };
  assert(first.index <= start.index + 1, `the stored log has no gap after ${start.index}`);
  if (first.index === start.index + 1) return { base: start, rest: entries };
  const leadsToStart = entries[start.index - first.index]?.term === start.term;
  return leadsToStart ? { base: first, rest: entries.slice(1) } : { base: start, rest: [] };
}
