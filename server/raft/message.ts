import type { ClusterConfiguration, NodeId } from './cluster-configuration.ts';
import type { Entry } from './entry.ts';

/** Names a snapshot; equal fields, equal bytes. */
export interface SnapshotMeta {
  /** The last entry that the snapshot covers. */
  readonly index: number;
  readonly term: number;
  readonly configuration: ClusterConfiguration;
  readonly totalBytes: number;
  /** SHA-256 of the bytes as hexadecimal digits: made by the shell, and checked there before an installation. */
  readonly sha256: string;
}

interface Base {
  readonly from: NodeId;
  readonly to: NodeId;
  /** The sender's term; of `preVote` and a granting `preVoteReply`, the term that a campaign would have. */
  readonly term: number;
}

/** Everything that members say to one another about the log. Any of them may be lost, repeated, or come late. */
export type Message = Base &
  (
    | {
        readonly kind: 'preVote' | 'vote';
        readonly lastIndex: number;
        readonly lastTerm: number;
        /** The leader asked for this campaign, so a live leader is no reason to refuse. */
        readonly isTransfer: boolean;
      }
    | { readonly kind: 'preVoteReply' | 'voteReply'; readonly isGranted: boolean }
    | {
        readonly kind: 'append';
        readonly previousIndex: number;
        readonly previousTerm: number;
        readonly entries: readonly Entry[];
        readonly commit: number;
      }
    | {
        readonly kind: 'appendReply';
        /** Accepted: the receiver's log matches the leader's, durably, up to here. Rejected: the `previousIndex`. */
        readonly index: number;
        /** Present when rejected: the receiver's best guess of the last common entry (its index and term). */
        readonly reject?: { readonly hintIndex: number; readonly hintTerm: number };
      }
    | {
        readonly kind: 'heartbeat';
        /** Never above what the receiver is known to match. */
        readonly commit: number;
        /** The newest read that waits for a quorum; 0 without one. Never used twice in a term. */
        readonly readId: number;
      }
    | { readonly kind: 'heartbeatReply'; readonly readId: number }
    | {
        readonly kind: 'snapshotChunk';
        readonly meta: SnapshotMeta;
        readonly offset: number;
        readonly bytes: Uint8Array;
      }
    /** What the receiver holds of this snapshot without a gap; `totalBytes` when it is installed. */
    | { readonly kind: 'snapshotReply'; readonly index: number; readonly offset: number }
    /** The leader hands over: campaign at once. */
    | { readonly kind: 'timeoutNow' }
    /** A follower asks the leader for an index to read at. */
    | { readonly kind: 'readIndex'; readonly readId: number }
    | { readonly kind: 'readIndexReply'; readonly readId: number; readonly index: number }
  );
