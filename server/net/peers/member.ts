import { GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';
import type { Link } from '../../../shared/protocol/link.ts';
import type { NodeId } from '../../raft/cluster-configuration.ts';
import type { Message } from '../../raft/message.ts';
import type { PeerPins, PeerView } from '../../runtime/peers.ts';
import { type BulkClient, createBulkClient } from './bulk-client.ts';
import { type DialOptions, dialPeer, type MetPeer } from './dial-peer.ts';
import type { Lane, PeerIdentity } from './handshake-messages.ts';
import { answersPing, keepAlive } from './keep-alive.ts';
import { encodeOrTell, receiveMessages, sendMessage } from './message-lane.ts';
import type { Notices } from './notices.ts';
import { type OutboundLane, openOutboundLane } from './outbound-lane.ts';
import { checkCluster, checkExpected, checkPin } from './refusals.ts';

export interface MemberOptions {
  readonly id: NodeId;
  readonly address: string;
  readonly clientUrl: string | undefined;
  readonly dialing: Pick<DialOptions, 'own' | 'secret' | 'tls'>;
  readonly pins: PeerPins;
  readonly silenceMs: number;
  readonly notices: Notices;
  onMessage(message: Message): void;
  onChanged(view: PeerView): void;
}

/** One other coordinator, and the connections that this one keeps to it. */
export interface Member {
  readonly address: string;
  readonly blobs: BulkClient;
  view(): PeerView;
  /** False without a connection that this node opened. */
  send(message: Message): boolean;
  /** It has connected to this node, or was reached: where its clients go, and that it lives. */
  meet(identity: PeerIdentity): void;
  close(code: number, reason: string): Promise<unknown>;
}

export function createMember(options: MemberOptions): Member {
  const { id, address, dialing, pins, silenceMs, notices, onMessage, onChanged } = options;
  const about = `to ${id}`;
  // One that hangs while the cluster waits for a leader is better begun anew.
  const timeoutMs = Math.min(limits.peerHandshakeTimeoutMs, Math.max(limits.peerProbeTimeoutMs, silenceMs));
  const blobs = createBulkClient(id);
  let link: Link | undefined;
  let clientUrl = options.clientUrl;
  let bulk: OutboundLane | undefined;
  let bulkPeer: MetPeer | undefined;

  const view = (): PeerView => ({ id, isConnected: link !== undefined, clientUrl });

  const check = (identity: PeerIdentity): void => {
    checkCluster(identity, dialing.own);
    checkExpected(id, identity.nodeId);
    checkPin(identity, pins);
  };

  const openLane = (lane: Lane, onOpen: (peer: MetPeer) => Promise<unknown>): OutboundLane =>
    openOutboundLane({
      dial: (signal) => dialPeer({ ...dialing, address, lane, expectedNodeId: id, signal, timeoutMs, check }),
      onOpen,
      onFailure(error) {
        const isAbsent = error instanceof GradswarmError && error.code === 'unavailable';
        const reason = error instanceof Error ? error.message : String(error);
        const message = `node ${id} at ${address} cannot be spoken to: ${reason}`;
        notices.tell(about, { level: isAbsent ? 'info' : 'warn', message });
      },
    });

  const learn = (identity: PeerIdentity): boolean => {
    const isNew = clientUrl !== identity.clientUrl;
    clientUrl = identity.clientUrl;
    return isNew;
  };

  const openControl = (peer: MetPeer): Promise<unknown> =>
    new Promise<void>((resolve) => {
      link = peer.link;
      keepAlive(peer.socket, silenceMs);
      receiveMessages(link, id, dialing.own.nodeId, onMessage);
      link.onClose = () => {
        link = undefined;
        resolve();
        onChanged(view());
      };
      learn(peer.identity);
      notices.resolve(about);
      // Not before the first meeting: a coordinator that refuses one lane refuses both.
      bulk ??= openLane('bulk', openBulk);
      void renewBulk(peer.identity.run);
      onChanged(view());
    });

  const openBulk = (peer: MetPeer): Promise<unknown> => {
    bulkPeer = peer;
    keepAlive(peer.socket, limits.peerBulkSilenceMs);
    return blobs.serve(peer);
  };

  /** Whatever ended the connection before may have left the other one half open, where silence is borne for longer. */
  const renewBulk = async (run: string): Promise<void> => {
    const old = bulkPeer;
    if (!old) return;
    const isAlive = old.identity.run === run && (await answersPing(old.socket, limits.peerProbeTimeoutMs));
    if (!isAlive) old.socket.terminate();
  };

  const control = openLane('control', openControl);

  return {
    address,
    blobs,
    view,
    send(message) {
      if (!link) return false;
      if (message.kind === 'snapshotChunk') {
        const frame = encodeOrTell(message, notices);
        if (frame) blobs.deliverChunk(frame);
      } else sendMessage(link, message, notices);
      return true;
    },
    meet(identity) {
      control.nudge();
      bulk?.nudge();
      if (learn(identity)) onChanged(view());
    },
    close: (code, reason) => Promise.all([control.close(code, reason), bulk?.close(code, reason)]),
  };
}
