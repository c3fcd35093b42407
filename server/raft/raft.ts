import type { Random } from '../../shared/base/random.ts';
import type { ClusterConfiguration, MembershipChange, NodeId } from './cluster-configuration.ts';
import type { Entry, ProposalId } from './entry.ts';
import type { Message, SnapshotMeta } from './message.ts';

/** What a member must never forget. `commit` only saves work after a restart. */
export interface HardState {
  readonly term: number;
  /** Empty when it has not voted in `term`. */
  readonly vote: NodeId | '';
  readonly commit: number;
}

export interface Snapshot {
  readonly meta: SnapshotMeta;
  readonly bytes: Uint8Array;
}

export interface RaftOptions {
  readonly id: NodeId;
  /** A follower campaigns after `electionTicks` to twice as many without a leader, drawn anew every time. */
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  readonly random: Random;
  /** Of the payloads of one `append`; one entry may exceed it. */
  readonly appendBytesMax: number;
  /** Appends on their way to one follower. */
  readonly inflightMessagesMax: number;
  readonly inflightBytesMax: number;
  /** Proposals beyond these bytes of uncommitted commands are refused. */
  readonly uncommittedBytesMax: number;
  readonly snapshotChunkBytes: number;
  /** A handover that takes longer is given up, and proposals are taken again. */
  readonly transferTicks: number;
  /** What the disk held cannot be trusted: this member neither votes nor acknowledges until it is seeded anew. */
  readonly isQuarantined?: boolean;
}

/**
 * What the disk held at the start. `entries` follow the snapshot (some may lie before its end), or one another from 1.
 * The snapshot is taken as applied.
 */
export interface RaftStored {
  readonly hardState: HardState;
  readonly snapshot: Snapshot | undefined;
  readonly entries: readonly Entry[];
  /** Of the beginning of the log; without voters for a node that waits to be added. */
  readonly initialConfiguration: ClusterConfiguration;
}

export type Refused =
  | { readonly kind: 'notLeader'; readonly leader: NodeId | undefined }
  | {
      readonly kind: 'refused';
      readonly reason: 'tooManyUncommitted' | 'transferring' | 'changeUnderWay' | 'badChange';
      readonly message: string;
    };

export type Accepted = { readonly kind: 'accepted'; readonly index: number; readonly term: number };

/**
 * What the shell must do, in this order within one output and over outputs: send `messages`; make `persist` durable
 * (hard state before entries; an entry replaces the log from its index on; a snapshot replaces everything before it);
 * then call `persisted(sequence)`, and send `messagesAfterPersist`, which wait for every earlier output too.
 * `committed` may be applied as soon as it is handed out. Several outputs may be on their way to the disk at once.
 */
export interface RaftOutput {
  readonly sequence: number;
  readonly messages: readonly Message[];
  readonly persist:
    | {
        readonly hardState: HardState | undefined;
        readonly snapshot: Snapshot | undefined;
        /** With `snapshot`: it came from a leader, and nothing that the disk holds of the log counts beside it. */
        readonly replacesLog: boolean;
        readonly entries: readonly Entry[];
      }
    | undefined;
  readonly messagesAfterPersist: readonly Message[];
  /** Durable here; apply this before `committed`. Its hash was not checked here, but may be before it is persisted. */
  readonly installedSnapshot: Snapshot | undefined;
  /** Committed and durable here, in order, gap-free, each once. */
  readonly committed: readonly Entry[];
  /** Answers to `read`: the state applied to `index` is linearizable; `undefined` means ask again. */
  readonly reads: readonly { readonly readId: number; readonly index: number | undefined }[];
}

export interface FollowerProgress {
  readonly matchIndex: number;
  readonly state: 'probe' | 'replicate' | 'snapshot';
  /** Heard of within the last election timeout. */
  readonly isActive: boolean;
}

export interface RaftStatus {
  readonly id: NodeId;
  readonly role: 'leader' | 'candidate' | 'preCandidate' | 'follower' | 'learner';
  readonly term: number;
  readonly leader: NodeId | undefined;
  readonly commit: number;
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly configuration: ClusterConfiguration;
  /** On the leader: of every other member, and of those that were removed and have yet to be told. */
  readonly progress: ReadonlyMap<NodeId, FollowerProgress>;
  readonly transferTarget: NodeId | undefined;
}

/**
 * One member of a Raft cluster (Ongaro and Ousterhout 2014; Ongaro's thesis for membership, transfer and reads) as a
 * state machine without clock, chance, socket or disk: time comes as `tick`, the world as `step`, and what is to be
 * done is taken out with `takeOutput`.
 */
export interface Raft {
  tick(): void;
  step(message: Message): void;
  propose(command: Uint8Array, proposal: ProposalId): Accepted | Refused;
  changeMembership(changes: readonly MembershipChange[]): Accepted | Refused;
  /** `status().transferTarget` tells when it is over, `leader` how it ended. */
  transferLeadership(to: NodeId): { readonly kind: 'started' } | Refused;
  /** The answer comes in `reads`. On a follower it is asked of the leader. */
  read(readId: number): void;
  /** This output and every earlier one is durable. */
  persisted(sequence: number): void;
  /** The state at `snapshot.meta.index`, which is applied; entries up to `keepFrom - 1` are dropped. */
  compact(snapshot: Snapshot, keepFrom: number): void;
  /** `undefined` when there is nothing to do. */
  takeOutput(): RaftOutput | undefined;
  status(): RaftStatus;
}
