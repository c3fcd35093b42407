import type { NodeId } from '../../server/raft/cluster-configuration.ts';
import type { PeerBlobs } from '../../server/runtime/blobs/peer-blobs.ts';
import { GradswarmError } from '../../shared/base/errors.ts';
import type { BlobHash } from '../../shared/base/ids.ts';
import type { World } from './world.ts';

/** What a coordinator does for the others. */
export interface SimPeer {
  readonly id: NodeId;
  readonly isAlive: boolean;
  storeForLeader(hash: BlobHash, bytes: Uint8Array, epoch: number): void;
  readBlob(hash: BlobHash): Uint8Array;
}

/** The coordinators' connections: slow, and silent where one end is down or cut off. */
export class SimPeers {
  areConnected: (from: NodeId, to: NodeId) => boolean = () => true;
  /** Time that a blob takes on its way. */
  delayMs: () => number = () => 1;
  private readonly peers = new Map<NodeId, SimPeer>();

  private readonly world: World;

  constructor(world: World) {
    this.world = world;
  }

  add(peer: SimPeer): void {
    this.peers.set(peer.id, peer);
  }

  blobsOf(own: SimPeer): PeerBlobs {
    return {
      push: (to, hash, epoch, done) =>
        this.call(own, to, done, (peer) => {
          // Read when it is sent; the sender may have crashed since.
          peer.storeForLeader(hash, own.readBlob(hash), epoch);
          return undefined;
        }),
      fetch: (from, hash, done) => this.call(own, from, done, (peer) => peer.readBlob(hash)),
    };
  }

  /** A call that was cancelled may have had its effect. */
  private call<Outcome>(
    own: SimPeer,
    to: NodeId,
    done: (outcome: Outcome | GradswarmError) => void,
    effect: (peer: SimPeer) => Outcome,
  ): () => void {
    const { world } = this;
    let isCancelled = false;
    const answer = (outcome: Outcome | GradswarmError, afterMs: number): void => {
      world.schedule(afterMs, () => {
        if (!isCancelled) done(outcome);
      });
    };
    const isReached = (): boolean => own.isAlive && this.areConnected(own.id, to);
    world.schedule(this.delayMs(), () => {
      const peer = this.peers.get(to);
      if (!isReached() || peer?.isAlive !== true) {
        answer(new GradswarmError('unavailable', 'no answer'), world.between(50, 600));
        return;
      }
      try {
        answer(effect(peer), this.delayMs() / 4);
      } catch (error) {
        if (!(error instanceof GradswarmError)) throw error;
        answer(error, 1);
      }
    });
    return () => {
      isCancelled = true;
    };
  }
}
