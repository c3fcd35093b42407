import type { BlobHash } from '../../shared/base/ids.ts';
import type { NodeId } from '../raft/cluster-configuration.ts';
import type { Message } from '../raft/message.ts';

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
