import type { BlobHash } from '../../shared/base/ids.ts';
import type { NodeId } from '../raft/cluster-configuration.ts';
import type { Message } from '../raft/message.ts';
import type { RelayAnswers, RelayBatch, SumRequest } from './edge/relay-messages.ts';

/** What is known of another coordinator. */
export interface PeerView {
  readonly id: NodeId;
  readonly isConnected: boolean;
  /** Where workers and pages reach it, as it said itself; undefined until it was met. */
  readonly clientUrl: string | undefined;
}

/** The other coordinators of the cluster. Nothing that an unauthenticated peer says gets past this port. */
export interface Peers {
  /** Never blocks and promises nothing: dropped while the peer is away, or when too much waits for it. */
  send(message: Message): void;
  /** `host:port` of every other member; connections to those no longer named are closed. */
  setMembers(addresses: Readonly<Record<NodeId, string>>): void;
  describe(id: NodeId): PeerView | undefined;
  /**
   * Resolves when the blob is durable there. Rejects with a `GradswarmError`: `unavailable`, `staleEpoch` when that
   * coordinator knows of a later leader, or what its blob store says.
   */
  storeBlob(to: NodeId, hash: BlobHash, bytes: Uint8Array, epoch: number, signal: AbortSignal): Promise<void>;
  /** @throws GradswarmError `notFound`, `unavailable`, `corrupted`. The bytes have this hash. */
  fetchBlob(from: NodeId, hash: BlobHash, signal: AbortSignal): Promise<Uint8Array>;
  /**
   * Serves workers for the leader `to`. The first item has no answers; the iteration ends, or throws a `GradswarmError`,
   * when the relay is over.
   */
  openRelay(to: NodeId, signal: AbortSignal): AsyncIterable<RelayAnswers>;
  /** Resolves when the leader has taken them. @throws GradswarmError `staleEpoch`, `unavailable`. */
  relay(to: NodeId, batch: RelayBatch, signal: AbortSignal): Promise<void>;
  /** What the follower `from` has summed, packed. @throws GradswarmError `conflict`, `unavailable`. */
  collectSum(from: NodeId, request: SumRequest, signal: AbortSignal): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** What a coordinator does for its peers. */
export interface PeerHandlers {
  onMessage(message: Message): void;
  /** Stores durably. @throws GradswarmError. */
  storeBlob(hash: BlobHash, bytes: Uint8Array, epoch: number): void;
  /** @throws GradswarmError `notFound` or `corrupted`. */
  readBlob(hash: BlobHash): Uint8Array;
  /** Connected, gone, or another address for clients. */
  onPeerChanged(view: PeerView): void;
  /** Absent where nobody serves workers for another. */
  readonly relays?: RelayHandlers;
}

/** The leader's and the follower's side of relays. */
export interface RelayHandlers {
  /** @throws GradswarmError `notLeader`. */
  openRelay(from: NodeId, signal: AbortSignal): AsyncIterable<RelayAnswers>;
  /** @throws GradswarmError `staleEpoch`. */
  relay(from: NodeId, batch: RelayBatch): void;
  /** @throws GradswarmError `conflict`. */
  collectSum(from: NodeId, request: SumRequest): Promise<Uint8Array>;
}

/** Which incarnation of each member was met first; it alone may speak in that member's name. Durable. */
export interface PeerPins {
  /** 16 hexadecimal digits. */
  pinned(id: NodeId): string | undefined;
  /** Returns when the pin is durable. */
  pin(id: NodeId, incarnation: string): void;
  /** Forgets all others: they are no members any more, and may come back as new ones. */
  retain(ids: ReadonlySet<NodeId>): void;
}
