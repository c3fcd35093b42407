import type { ClusterConfiguration, NodeId } from '../../../server/raft/cluster-configuration.ts';
import type { Entry } from '../../../server/raft/entry.ts';
import type { Snapshot } from '../../../server/raft/raft.ts';
import type { CommittedEntries } from './log-rules.ts';
import type { Durable, Shadow } from './shadow.ts';
import { isQuorum, Violation } from './violation.ts';

export function holds(durable: Durable | undefined, index: number, term: number): boolean {
  if (durable === undefined) return false;
  return durable.log.baseIndex > index || durable.log.termAt(index) === term;
}

/**
 * What is committed: seen first at the leader that counts, at the moment it counts. It is an entry of the leader's own
 * term, durable on a quorum; it never changes, is in the log of every later leader, and gives every member the same state.
 */
export class CommitRules implements CommittedEntries {
  private readonly entries: Entry[] = [];
  /** Of the leaders that counted them, by index. */
  private readonly commitTerms: number[] = [];
  private readonly stateHashes: number[] = [];
  private readonly configurationsByIndex: {
    readonly index: number;
    readonly configuration: ClusterConfiguration;
  }[] = [];
  /** Every disk that ever was; one that is lost afterwards has still held what it acknowledged. */
  private readonly disks = new Map<NodeId, Durable>();

  constructor(initialConfiguration: ClusterConfiguration) {
    this.configurationsByIndex.push({ index: 0, configuration: initialConfiguration });
  }

  get lastIndex(): number {
    return this.entries.length;
  }

  termAt(index: number): number | undefined {
    return index === 0 ? 0 : this.entries[index - 1]?.term;
  }

  /** All committed ones, from that of the beginning. */
  get configurations(): readonly ClusterConfiguration[] {
    return this.configurationsByIndex.map(({ configuration }) => configuration);
  }

  /** The newest committed configuration. */
  get configuration(): ClusterConfiguration {
    return this.configurationAt(this.lastIndex);
  }

  configurationAt(index: number): ClusterConfiguration {
    const found = this.configurationsByIndex.findLast((each) => each.index <= index);
    if (found === undefined) throw new Violation(`no configuration at ${index}`);
    return found.configuration;
  }

  addDisk(id: NodeId, durable: Durable): void {
    this.disks.set(id, durable);
  }

  /** A member says that everything up to `atLeast` is committed. What it tells others may be less than it knows. */
  onCommit(shadow: Shadow, atLeast: number): void {
    if (atLeast <= this.lastIndex) return;
    const { term, configuration, commit } = shadow.raft.status();
    const { log } = shadow;
    if (shadow.ledTerm !== term)
      throw new Violation(`${shadow.id} commits ${commit}, which no leader has counted`);
    if (log.termAt(commit) !== term) {
      throw new Violation(
        `${shadow.id} counts entry ${commit} of term ${log.termAt(commit)} in term ${term}`,
      );
    }
    if (!isQuorum(configuration, (id) => holds(this.disks.get(id), commit, term))) {
      throw new Violation(`${shadow.id} commits ${commit}, which is not durable on a quorum`);
    }
    for (let index = this.lastIndex + 1; index <= commit; index++) {
      const entry = log.entryAt(index);
      if (entry === undefined) throw new Violation(`${shadow.id} commits ${index} without having it`);
      this.entries.push(entry);
      this.commitTerms[index] = term;
      if (entry.body.kind === 'configuration') {
        this.configurationsByIndex.push({ index, configuration: entry.body.configuration });
      }
    }
  }

  /**
   * Leader completeness, for what was committed in earlier terms: a member may learn late that it has won a term that is
   * over. Log matching makes the last such entry stand for all of them.
   */
  onLeader(shadow: Shadow, term: number): void {
    const { log } = shadow;
    let index = this.lastIndex;
    while (index > 0 && (this.commitTerms[index] ?? 0) >= term) index--;
    if (log.baseIndex < index && log.termAt(index) !== this.termAt(index)) {
      throw new Violation(`${shadow.id} leads in term ${term} without the committed entry ${index}`);
    }
  }

  /** A member hands entries out to be applied. */
  onHandedOut(shadow: Shadow, entries: readonly Entry[]): void {
    for (const entry of entries) {
      const { index, term } = entry;
      if (index !== shadow.applied + 1) {
        throw new Violation(`${shadow.id} hands out entry ${index} after ${shadow.applied}`);
      }
      this.onCommit(shadow, index);
      if (this.termAt(index) !== term) {
        throw new Violation(
          `${shadow.id} hands out entry ${index} of term ${term}; committed is ${this.termAt(index)}`,
        );
      }
      if (!holds(shadow.durable, index, term)) {
        throw new Violation(`${shadow.id} hands out entry ${index} before it is durable there`);
      }
      shadow.applied = index;
    }
  }

  onInstalled(shadow: Shadow, { meta }: Snapshot): void {
    const { index, term, configuration } = meta;
    if (index <= shadow.applied) {
      throw new Violation(`${shadow.id} installs a snapshot of ${index} over a state of ${shadow.applied}`);
    }
    if (index > this.lastIndex || this.termAt(index) !== term) {
      throw new Violation(
        `${shadow.id} installs a snapshot of ${index}, term ${term}, which is not committed`,
      );
    }
    if (JSON.stringify(this.configurationAt(index)) !== JSON.stringify(configuration)) {
      const found = JSON.stringify(configuration);
      throw new Violation(`${shadow.id} installs a snapshot of ${index} with the configuration ${found}`);
    }
    shadow.applied = index;
  }

  onState(id: NodeId, index: number, hash: number): void {
    const known = this.stateHashes[index];
    if (known === undefined) this.stateHashes[index] = hash;
    else if (known !== hash) throw new Violation(`${id} has another state at ${index}`);
  }

  onRead(id: NodeId, index: number, committedBefore: number): void {
    if (index < committedBefore) {
      throw new Violation(`${id} reads at ${index}; ${committedBefore} was committed before the read began`);
    }
    if (index > this.lastIndex) throw new Violation(`${id} reads at ${index}, which is not committed`);
  }
}
