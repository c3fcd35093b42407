import type { ClusterConfiguration } from '../../../server/raft/cluster-configuration.ts';
import type { Entry, EntryBody } from '../../../server/raft/entry.ts';
import type { SnapshotMeta } from '../../../server/raft/message.ts';
import type { HardState, RaftOutput } from '../../../server/raft/raft.ts';
import { checkTransition } from './config-rules.ts';
import type { MemberLog } from './member-log.ts';
import type { Shadow } from './shadow.ts';
import type { Sightings } from './sightings.ts';
import { Violation } from './violation.ts';

/** What the cluster has promised to keep. */
export interface CommittedEntries {
  readonly lastIndex: number;
  termAt(index: number): number | undefined;
  configurationAt(index: number): ClusterConfiguration;
}

interface Known {
  readonly entry: Entry;
  readonly previousTerm: number;
}

function isSameBody(left: EntryBody, right: EntryBody): boolean {
  if (left.kind === 'command' && right.kind === 'command') {
    const { proposal, bytes } = left;
    return (
      proposal.clientId === right.proposal.clientId &&
      proposal.sequence === right.proposal.sequence &&
      bytes.length === right.bytes.length &&
      bytes.every((byte, at) => byte === right.bytes[at])
    );
  }
  return JSON.stringify(left) === JSON.stringify(right);
}

/**
 * Log matching, checked where an entry enters a log: wherever (index, term) occurs, the entry and the term before it are
 * the same. By induction two logs that agree on (index, term) agree on everything before it, so nothing is ever compared
 * twice.
 */
export class LogRules {
  private readonly known: (Known[] | undefined)[] = [];
  private readonly sightings: Sightings;
  /** Entries that a compaction keeps before the end of its snapshot. */
  private readonly trailing: number;

  constructor(sightings: Sightings, trailing: number) {
    this.sightings = sightings;
    this.trailing = trailing;
  }

  /** Follows what the member holds, in the order in which the disk is told. */
  onPersist(shadow: Shadow, persist: NonNullable<RaftOutput['persist']>, committed: CommittedEntries): void {
    const { hardState, snapshot, replacesLog, entries } = persist;
    if (hardState !== undefined) this.onHardState(shadow, hardState);
    if (snapshot !== undefined && replacesLog) this.onReplaced(shadow, snapshot.meta, committed);
    else if (snapshot !== undefined) shadow.log.trim(snapshot.meta.index - this.trailing);
    const first = entries[0];
    if (first === undefined) return;
    const { log } = shadow;
    const held = first.index <= log.lastIndex ? this.beforeReplacement(log, first, committed) : 0;
    for (const entry of entries) {
      this.onEntry(shadow, entry, committed);
      log.write(entry);
    }
    if (held > 0 && log.termAt(held) !== committed.termAt(held)) {
      throw new Violation(`${shadow.id} drops the committed entry ${held} from its log`);
    }
  }

  private onReplaced({ id, log }: Shadow, { index, term }: SnapshotMeta, committed: CommittedEntries): void {
    const held = Math.min(log.lastIndex, committed.lastIndex);
    if (held > index && log.termAt(held) === committed.termAt(held)) {
      throw new Violation(`${id} drops the committed entry ${held} for a snapshot of ${index}`);
    }
    log.replace(index, term);
  }

  /** The highest committed entry among those that are replaced, or 0. */
  private beforeReplacement(log: MemberLog, first: Entry, committed: CommittedEntries): number {
    if (log.termAt(first.index) !== first.term) this.sightings.see('append truncated a log');
    for (let index = first.index; index <= log.lastIndex; index++) {
      if (log.entryAt(index)?.body.kind === 'configuration')
        this.sightings.see('configuration entry replaced');
    }
    for (let index = Math.min(log.lastIndex, committed.lastIndex); index >= first.index; index--) {
      if (log.termAt(index) === committed.termAt(index)) return index;
    }
    return 0;
  }

  private onEntry(shadow: Shadow, entry: Entry, committed: CommittedEntries): void {
    const { index, term } = entry;
    const previousTerm = shadow.log.termAt(index - 1);
    if (previousTerm === undefined) {
      throw new Violation(
        `${shadow.id} writes entry ${index} after a log that ends at ${shadow.log.lastIndex}`,
      );
    }
    if (term < previousTerm)
      throw new Violation(`${shadow.id} writes entry ${index} of term ${term} after ${previousTerm}`);
    const known = this.known[index] ?? [];
    this.known[index] = known;
    const same = known.find((other) => other.entry.term === term);
    if (same === undefined) {
      known.push({ entry, previousTerm });
      if (entry.body.kind === 'configuration') {
        shadow.graceTick = shadow.tick;
        checkConfigurationEntry(shadow, entry.index, entry.body.configuration, committed);
      }
    } else if (
      same.previousTerm !== previousTerm ||
      (same.entry !== entry && !isSameBody(same.entry.body, entry.body))
    ) {
      throw new Violation(`log matching: two entries ${index} of term ${term}, one at ${shadow.id}`);
    }
  }

  private onHardState(shadow: Shadow, next: HardState): void {
    const { term, vote, commit } = shadow.hardState;
    if (next.term < term) throw new Violation(`${shadow.id} goes back from term ${term} to ${next.term}`);
    if (next.commit < commit) throw new Violation(`${shadow.id} takes back its commit of ${commit}`);
    if (next.term === term && vote !== '' && next.vote !== vote) {
      throw new Violation(`${shadow.id} changes its vote of term ${term} from ${vote} to ${next.vote}`);
    }
    shadow.hardState = next;
  }
}

/** A leader that takes a second change on before the first is committed could lose both and keep their quorums. */
function checkConfigurationEntry(
  { id, log }: Shadow,
  index: number,
  configuration: ClusterConfiguration,
  committed: CommittedEntries,
): void {
  for (let before = index - 1; before > committed.lastIndex; before--) {
    if (log.entryAt(before)?.body.kind === 'configuration') {
      throw new Violation(`${id} changes the configuration while the change at ${before} is not committed`);
    }
  }
  checkTransition(id, committed.configurationAt(index - 1), configuration);
}
