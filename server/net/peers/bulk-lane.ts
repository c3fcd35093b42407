import { limits } from '../../../shared/base/limits.ts';
import type { NodeId } from '../../raft/cluster-configuration.ts';
import { type BulkClient, createBulkClient } from './bulk-client.ts';
import type { MetPeer } from './dial-peer.ts';
import { answersPing, keepAlive } from './keep-alive.ts';
import type { OutboundLane } from './outbound-lane.ts';

/** The lane for blobs. It follows the one for messages: a coordinator that refuses one lane refuses both. */
export interface BulkLane {
  readonly blobs: BulkClient;
  /** The lane for messages is open, to this run of the other coordinator. */
  onControlOpened(run: string): void;
  nudge(): void;
  close(code: number, reason: string): Promise<void>;
}

export function createBulkLane(
  id: NodeId,
  open: (onOpen: (peer: MetPeer) => Promise<unknown>) => OutboundLane,
): BulkLane {
  const blobs = createBulkClient(id);
  let lane: OutboundLane | undefined;
  let latest: MetPeer | undefined;

  const onOpen = (peer: MetPeer): Promise<unknown> => {
    latest = peer;
    keepAlive(peer.socket, limits.peerBulkSilenceMs);
    return blobs.serve(peer);
  };

  /** Whatever ended the other connection may have left this one half open, where silence is borne for longer. */
  const renew = async (run: string): Promise<void> => {
    const old = latest;
    if (!old) return;
    const isAlive = old.identity.run === run && (await answersPing(old.socket, limits.peerProbeTimeoutMs));
    if (!isAlive) old.socket.terminate();
  };

  return {
    blobs,
    onControlOpened(run) {
      lane ??= open(onOpen);
      void renew(run);
    },
    nudge: () => lane?.nudge(),
    close: async (code, reason) => lane?.close(code, reason),
  };
}
