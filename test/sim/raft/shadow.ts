import type { NodeId } from '../../../server/raft/cluster-configuration.ts';
import type { HardState, Raft, Snapshot } from '../../../server/raft/raft.ts';
import type { MemberLog } from './member-log.ts';

/** What a power loss leaves of a member. */
export interface Durable {
  readonly log: MemberLog;
  readonly hardState: HardState;
  readonly snapshot: Snapshot | undefined;
}

/** What the checkers remember of one member from one start to the next crash. */
export class Shadow {
  readonly id: NodeId;
  readonly raft: Raft;
  readonly durable: Durable;
  readonly isQuarantined: boolean;
  isAlive = true;
  /** What the member holds in memory, by what it handed out to be persisted. */
  readonly log: MemberLog;
  hardState: HardState;
  /** The last term in which it spoke as the leader. */
  ledTerm = 0;
  /** The last term in which it asked for votes. */
  campaignTerm = 0;
  preVoteTerm = 0;
  readonly preVoteGrants = new Set<NodeId>();
  /** The newest snapshot chunk that came: its snapshot's index, its leader's term, where it begins. */
  chunk = { index: 0, term: 0, offset: 0 };
  /** Ticks of the member's clock since it started. */
  tick = 0;
  /** When, and in which term, it last heard a leader that it followed. */
  heardTick = 0;
  heardTerm = -1;
  /** As a leader: when it last heard of each other member. */
  readonly heardTicks = new Map<NodeId, number>();
  /** As a leader: elected, or reconfigured; whom it did not hear since then it cannot blame yet. */
  graceTick = 0;
  applied: number;
  spokenTerm: number;

  constructor(id: NodeId, raft: Raft, durable: Durable, isQuarantined: boolean) {
    this.id = id;
    this.raft = raft;
    this.durable = durable;
    this.isQuarantined = isQuarantined;
    this.log = durable.log.copy();
    this.hardState = durable.hardState;
    this.applied = durable.snapshot?.meta.index ?? 0;
    this.spokenTerm = durable.hardState.term;
  }
}
