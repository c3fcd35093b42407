import { GradswarmError } from '../../../shared/base/errors.ts';
import type { BlobHash } from '../../../shared/base/ids.ts';
import type { NodeId } from '../../raft/cluster-configuration.ts';
import type { Peers } from '../peers.ts';
import type { BlobStore } from '../ports.ts';

/** Blobs to and from other coordinators, each call with one answer unless it is cancelled. */
export interface PeerBlobs {
  /** The bytes are read from this coordinator's own store when their turn comes. */
  push(to: NodeId, hash: BlobHash, epoch: number, done: (error?: GradswarmError) => void): () => void;
  fetch(from: NodeId, hash: BlobHash, done: (outcome: Uint8Array | GradswarmError) => void): () => void;
}

type PeerCalls = Pick<Peers, 'storeBlob' | 'fetchBlob'>;

export function createPeerBlobs(
  peers: PeerCalls,
  blobs: Pick<BlobStore, 'get'>,
  onFatal: (error: unknown) => void,
): PeerBlobs {
  /** Two coordinators that take the same blob at once share its bytes. */
  let newest: { readonly hash: BlobHash; readonly bytes: WeakRef<Uint8Array> } | undefined;

  const read = (hash: BlobHash): Uint8Array => {
    const shared = newest?.hash === hash ? newest.bytes.deref() : undefined;
    const bytes = shared ?? blobs.get(hash);
    newest = { hash, bytes: new WeakRef(bytes) };
    return bytes;
  };

  const carry = <Outcome>(
    call: (signal: AbortSignal) => Promise<Outcome>,
    done: (outcome: Outcome | GradswarmError) => void,
  ): (() => void) => {
    const controller = new AbortController();
    const tell = (outcome: Outcome | GradswarmError): void => {
      if (!controller.signal.aborted) done(outcome);
    };
    call(controller.signal)
      .then(tell, (error: unknown) => {
        if (!(error instanceof GradswarmError)) throw error;
        tell(error);
      })
      .catch(onFatal);
    return () => controller.abort();
  };

  return {
    push: (to, hash, epoch, done) =>
      carry(
        async (signal) => peers.storeBlob(to, hash, read(hash), epoch, signal),
        (outcome) => done(outcome instanceof GradswarmError ? outcome : undefined),
      ),
    fetch: (from, hash, done) => carry((signal) => peers.fetchBlob(from, hash, signal), done),
  };
}
