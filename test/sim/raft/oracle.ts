import type { ClusterConfiguration, NodeId } from '../../../server/raft/cluster-configuration.ts';
import type { Message } from '../../../server/raft/message.ts';
import type { Raft, RaftOutput } from '../../../server/raft/raft.ts';
import { CommitRules } from './commit-rules.ts';
import { ElectionRules } from './election-rules.ts';
import { LogRules } from './log-rules.ts';
import { type Durable, Shadow } from './shadow.ts';
import type { Sightings } from './sightings.ts';
import { electionTicks } from './swarm-options.ts';
import { Violation } from './violation.ts';

/** Sees everything that members say, write and apply, and throws a `Violation` at the first broken promise. */
export class Oracle {
  readonly commits: CommitRules;
  private readonly elections: ElectionRules;
  private readonly logs: LogRules;
  /** The highest term in which a member of this name has spoken; over restarts. */
  private readonly spokenTerms = new Map<NodeId, number>();

  private readonly snapshotBytes = new Map<number, number>();
  private readonly sightings: Sightings;

  constructor(initialConfiguration: ClusterConfiguration, sightings: Sightings, trailing: number) {
    this.sightings = sightings;
    this.commits = new CommitRules(initialConfiguration);
    this.elections = new ElectionRules(sightings);
    this.logs = new LogRules(sightings, trailing);
  }

  /** Whoever was elected last. */
  get latestLeader(): NodeId | undefined {
    return this.elections.latestId;
  }

  /** A member has started from its disk. */
  onStart(
    id: NodeId,
    raft: Raft,
    durable: Durable,
    initialConfiguration: ClusterConfiguration,
    isQuarantined: boolean,
  ): Shadow {
    const shadow = new Shadow(id, raft, durable, isQuarantined);
    // What its disk held before is still what it acknowledged.
    if (isQuarantined) return shadow;
    this.commits.addDisk(id, durable);
    const { term, lastIndex, configuration } = raft.status();
    if (term < (this.spokenTerms.get(id) ?? 0))
      throw new Violation(`${id} has forgotten term ${this.spokenTerms.get(id)}`);
    if (lastIndex !== durable.log.lastIndex)
      throw new Violation(`${id} starts with a log that ends at ${lastIndex}`);
    const expected = configurationOf(durable, initialConfiguration);
    if (JSON.stringify(configuration) !== JSON.stringify(expected)) {
      throw new Violation(`${id} starts with another configuration than its disk holds`);
    }
    return shadow;
  }

  /** A member decides: before anything of it is done. */
  onOutput(shadow: Shadow, output: RaftOutput): void {
    const { persist, messages, messagesAfterPersist, committed, installedSnapshot } = output;
    if (
      shadow.isQuarantined &&
      (persist || messages.length + messagesAfterPersist.length + committed.length > 0)
    ) {
      throw new Violation(`${shadow.id} takes part although its disk cannot be trusted`);
    }
    for (const message of messages) this.onMessage(shadow, message);
    for (const message of messagesAfterPersist) this.onMessage(shadow, message);
    if (installedSnapshot !== undefined) this.commits.onInstalled(shadow, installedSnapshot);
    if (committed.length > 0) {
      this.noteLeader(shadow);
      this.commits.onHandedOut(shadow, committed);
    }
    if (persist?.hardState !== undefined) this.commits.onCommit(shadow, persist.hardState.commit);
    // Last, since what was committed by the same step came before what it appended.
    if (persist !== undefined) this.logs.onPersist(shadow, persist, this.commits);
  }

  /** A message leaves its member: what it promises must be durable. */
  onSent(shadow: Shadow, message: Message): void {
    const { kind, term } = message;
    if (kind === 'vote') this.elections.onVoteGiven(shadow, term, shadow.id);
    else if (kind === 'voteReply' && message.isGranted) this.elections.onVoteGiven(shadow, term, message.to);
    else if (kind === 'appendReply' && message.reject === undefined) this.onAcknowledged(shadow, message);
    else if (kind === 'snapshotReply') this.onSnapshotReply(shadow, message);
    if (isPromise(kind) && term > shadow.spokenTerm) {
      shadow.spokenTerm = term;
      this.spokenTerms.set(shadow.id, term);
    }
  }

  onDelivered(shadow: Shadow, message: Message): void {
    const { kind, term, from } = message;
    switch (kind) {
      case 'append':
      case 'heartbeat':
        this.elections.onLeaderHeard(shadow, term);
        break;
      case 'snapshotChunk':
        this.elections.onLeaderHeard(shadow, term);
        this.onChunk(shadow, message);
        break;
      case 'preVoteReply':
        this.elections.onPreVoteReply(shadow, message);
        break;
      case 'appendReply':
        if (message.reject) this.sightings.see('append rejected');
        shadow.heardTicks.set(from, shadow.tick);
        break;
      case 'heartbeatReply':
        shadow.heardTicks.set(from, shadow.tick);
        break;
      default:
    }
  }

  onTick(shadow: Shadow): void {
    shadow.tick++;
    if (shadow.tick % electionTicks === 0) this.elections.checkOffice(shadow);
  }

  private onChunk(
    shadow: Shadow,
    { meta, term, offset }: Message & { readonly kind: 'snapshotChunk' },
  ): void {
    const before = shadow.chunk;
    if (offset === 0 && before.offset > 0 && meta.index === before.index && term > before.term) {
      this.sightings.see('snapshot resumed by a new leader');
    }
    shadow.chunk = { index: meta.index, term, offset };
  }

  private onMessage(shadow: Shadow, message: Message): void {
    const { kind, term } = message;
    switch (kind) {
      case 'append':
      case 'heartbeat':
        if (shadow.ledTerm !== term) this.onLeader(shadow, term);
        this.commits.onCommit(shadow, message.commit);
        break;
      case 'snapshotChunk':
        this.snapshotBytes.set(message.meta.index, message.meta.totalBytes);
        if (shadow.ledTerm !== term) this.onLeader(shadow, term);
        break;
      case 'timeoutNow':
        if (shadow.ledTerm !== term) this.onLeader(shadow, term);
        break;
      case 'preVote':
        this.elections.onPreVoteAsked(shadow, term);
        break;
      case 'vote':
        this.elections.onVoteAsked(shadow, message);
        break;
      case 'preVoteReply':
        if (message.isGranted) this.elections.onWouldVote(shadow, message);
        break;
      case 'voteReply':
        this.elections.onVoteDecided(shadow, message);
        break;
      default:
    }
  }

  /** A leader without peers speaks to nobody. */
  private noteLeader(shadow: Shadow): void {
    if (shadow.ledTerm === shadow.hardState.term) return;
    const { role, term } = shadow.raft.status();
    if (role === 'leader' && shadow.ledTerm !== term) this.onLeader(shadow, term);
  }

  private onLeader(shadow: Shadow, term: number): void {
    this.elections.onLeader(shadow, term);
    this.commits.onLeader(shadow, term);
  }

  /** The whole snapshot is acknowledged like the entry at its end. */
  private onSnapshotReply(
    { id, durable }: Shadow,
    { index, offset }: Message & { readonly kind: 'snapshotReply' },
  ): void {
    if (offset < (this.snapshotBytes.get(index) ?? 0)) return;
    const isHeld = (durable.snapshot?.meta.index ?? 0) >= index || durable.log.lastIndex >= index;
    if (!isHeld) throw new Violation(`${id} acknowledges the snapshot of ${index}, which it does not hold`);
  }

  /** "My log matches yours, durably, up to here." */
  private onAcknowledged(shadow: Shadow, { term, index }: Message & { readonly kind: 'appendReply' }): void {
    const leader = this.elections.leaderOf(term);
    const { log } = shadow.durable;
    if (leader === undefined || index <= log.baseIndex || index <= leader.log.baseIndex) return;
    // Either may have gone on to a later term, and have replaced what is acknowledged here.
    if (leader.hardState.term > term || shadow.durable.hardState.term > term) return;
    const leaderTerm = leader.log.termAt(index);
    if (leaderTerm === undefined || log.termAt(index) !== leaderTerm) {
      throw new Violation(`${shadow.id} acknowledges entry ${index} of term ${term}, which it does not hold`);
    }
  }
}

/** The sender will not go back behind the term of this. Whether it has heard a heartbeat is no promise. */
function isPromise(kind: Message['kind']): boolean {
  return kind === 'vote' || kind === 'voteReply' || kind === 'append' || kind === 'appendReply';
}

function configurationOf(durable: Durable, initial: ClusterConfiguration): ClusterConfiguration {
  const entry = durable.log.entries.findLast((each) => each.body.kind === 'configuration');
  if (entry?.body.kind === 'configuration') return entry.body.configuration;
  return durable.snapshot?.meta.configuration ?? initial;
}
