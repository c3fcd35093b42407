import type { MembershipChange, NodeId } from '../raft/cluster-configuration.ts';
import type { Message } from '../raft/message.ts';
import type { RaftStatus } from '../raft/raft.ts';
import type { ReplicatedLog } from './ports.ts';

export interface ClusterStatus extends RaftStatus {
  /** The last entry that consumers of this member's log may see. */
  readonly appliedIndex: number;
  /** What the newest snapshot here covers; 0 without one. */
  readonly snapshotIndex: number;
}

/** The replicated log of a cluster whose members are coordinators. */
export interface ClusterLog extends ReplicatedLog {
  status(): ClusterStatus;
  /**
   * Resolves when the change is committed and no joint configuration is left.
   * @throws GradswarmError `badRequest` (what is asked makes no sense), `conflict` (another change is under way),
   *   `notLeader`, and `unavailable` when the leader changed meanwhile: the status tells what became of it.
   */
  changeMembership(changes: readonly MembershipChange[]): Promise<void>;
  /**
   * Resolves when `to` leads.
   * @throws GradswarmError `badRequest`, `conflict`, `notLeader`, and `unavailable` when another leads, or this one still.
   */
  transferLeadership(to: NodeId): Promise<void>;
  /** What another member said. */
  receive(message: Message): void;
}
