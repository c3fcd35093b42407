import { assert } from '../../shared/base/assert.ts';
import type { NodeId } from './cluster-configuration.ts';
import { isVoter } from './cluster-configuration.ts';
import { DiskView } from './disk-view.ts';
import type { IncomingSnapshot } from './incoming-snapshot.ts';
import { MemberLog } from './member-log.ts';
import type { Message } from './message.ts';
import type { Progress } from './progress.ts';
import type { RaftOptions, RaftStatus, RaftStored, Snapshot } from './raft.ts';
import { createReadQueue, type ReadQueue } from './read-queue.ts';

export type Role = Exclude<RaftStatus['role'], 'learner'>;

/** A leader's handover of its office. */
export interface Handover {
  readonly to: NodeId;
  elapsedTicks: number;
}

/** The state of one member. What belongs to a role is empty or meaningless in the others. */
export interface Member {
  readonly id: NodeId;
  readonly options: RaftOptions;
  readonly log: MemberLog;
  readonly disk: DiskView;
  role: Role;
  term: number;
  vote: NodeId | '';
  leader: NodeId | undefined;
  nowTick: number;
  /** Since a leader was heard, a vote was given, or a campaign began. */
  electionElapsed: number;
  /** When the next campaign begins; drawn anew every time. */
  electionTimeout: number;
  /** Candidates: the answers so far, of voters only. */
  readonly votes: Map<NodeId, boolean>;

  /** Leaders: of every other member, and of leavers. */
  readonly progress: Map<NodeId, Progress>;
  heartbeatElapsed: number;
  handover: Handover | undefined;
  /** Leaders: of the entries after `commit`. */
  uncommittedBytes: number;
  readonly reads: ReadQueue;

  /** The newest one, of a leader or made here. */
  snapshot: Snapshot | undefined;
  snapshotToWrite: { readonly snapshot: Snapshot; readonly replacesLog: boolean } | undefined;
  /** Durable, and to be applied. */
  snapshotToApply: Snapshot | undefined;
  incoming: IncomingSnapshot | undefined;
  /** Entries and snapshots up to here were handed out to be applied. */
  deliveredIndex: number;

  sequence: number;
  messages: Message[];
  messagesAfterPersist: Message[];
}

export function createMember(options: RaftOptions, stored: RaftStored): Member {
  const log = new MemberLog(stored);
  const isTrusted = options.isQuarantined !== true;
  assert(!isTrusted || stored.hardState.term >= log.lastTerm, 'a term is durable before its entries');
  return {
    id: options.id,
    options,
    log,
    disk: new DiskView(stored, log.lastIndex),
    role: 'follower',
    term: stored.hardState.term,
    vote: stored.hardState.vote,
    leader: undefined,
    nowTick: 0,
    electionElapsed: 0,
    electionTimeout: drawElectionTimeout(options),
    votes: new Map(),
    progress: new Map(),
    heartbeatElapsed: 0,
    handover: undefined,
    uncommittedBytes: 0,
    reads: createReadQueue(options.random),
    snapshot: stored.snapshot,
    snapshotToWrite: undefined,
    snapshotToApply: undefined,
    incoming: undefined,
    deliveredIndex: stored.snapshot?.meta.index ?? 0,
    sequence: 0,
    messages: [],
    messagesAfterPersist: [],
  };
}

/** From `electionTicks` to one less than twice as many. */
export function drawElectionTimeout({ electionTicks, random }: RaftOptions): number {
  return electionTicks + random.below(electionTicks);
}

/** What a message says, without its address. */
export type MessageBody = Message extends infer M
  ? M extends Message
    ? Omit<M, 'from' | 'to' | 'term'>
    : never
  : never;

/** Completes the body, which is its caller's own literal: a copy of every message would be the most costly thing here. */
function address(member: Member, to: NodeId, body: MessageBody, term: number): Message {
  return Object.assign(body, { from: member.id, to, term }) as Message;
}

/** For what is true whether or not this member's newest state is durable. */
export function send(member: Member, to: NodeId, body: MessageBody, term = member.term): void {
  member.messages.push(address(member, to, body, term));
}

/** For promises and acknowledgements: they leave when all that this member holds now is durable. */
export function sendWhenDurable(member: Member, to: NodeId, body: MessageBody, term = member.term): void {
  member.messagesAfterPersist.push(address(member, to, body, term));
}

/** Heard of within the last election timeout. */
export function isActive({ nowTick, options }: Member, { heardAtTick }: Progress): boolean {
  return nowTick - heardAtTick <= options.electionTicks;
}

/**
 * Voters may campaign, by the configuration in force or by the one that is committed: until its removal is committed,
 * a former voter may be the only one whose log is good enough to lead (Ongaro 2014, section 4.2.2). Its own vote does
 * not count.
 */
export function mayCampaign({ log, id }: Member): boolean {
  return isVoter(log.configuration, id) || isVoter(log.configurationAt(log.commit), id);
}

/** Only then is it known that everything before is committed too (Ongaro and Ousterhout 2014, section 5.4.2). */
export function hasCommittedInTerm({ log, term }: Member): boolean {
  return log.termAt(log.commit) === term;
}

/** A live leader is no reason to grant anybody a vote (Ongaro 2014, section 4.2.3). */
export function hearsLeader(member: Member): boolean {
  return member.leader !== undefined && member.electionElapsed < member.options.electionTicks;
}
