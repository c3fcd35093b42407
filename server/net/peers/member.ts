import { GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';
import type { Link } from '../../../shared/protocol/link.ts';
import type { NodeId } from '../../raft/cluster-configuration.ts';
import type { Message } from '../../raft/message.ts';
import type { PeerPins, PeerView } from '../../runtime/peers.ts';
import type { BulkClient } from './bulk-client.ts';
import { createBulkLane } from './bulk-lane.ts';
import { type DialOptions, dialPeer, type MetPeer } from './dial-peer.ts';
import type { Lane, PeerIdentity } from './handshake-messages.ts';
import { keepAlive } from './keep-alive.ts';
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
  const { id, address, dialing, silenceMs, notices, onMessage, onChanged } = options;
  const about = `to ${id}`;
  let link: Link | undefined;
  let clientUrl = options.clientUrl;

  const view = (): PeerView => ({ id, isConnected: link !== undefined, clientUrl });

  const openLane = laneOpener(options, about);
  const bulk = createBulkLane(id, (onOpen) => openLane('bulk', onOpen));

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
      bulk.onControlOpened(peer.identity.run);
      onChanged(view());
    });

  const control = openLane('control', openControl);

  return {
    address,
    blobs: bulk.blobs,
    view,
    send(message) {
      if (!link) return false;
      if (message.kind === 'snapshotChunk') {
        const frame = encodeOrTell(message, notices);
        if (frame) bulk.blobs.deliverChunk(frame);
      } else sendMessage(link, message, notices);
      return true;
    },
    meet(identity) {
      control.nudge();
      bulk.nudge();
      if (learn(identity)) onChanged(view());
    },
    close: (code, reason) => Promise.all([control.close(code, reason), bulk.close(code, reason)]),
  };
}

function laneOpener(
  { id, address, dialing, pins, silenceMs, notices }: MemberOptions,
  about: string,
): (lane: Lane, onOpen: (peer: MetPeer) => Promise<unknown>) => OutboundLane {
  // A dial that hangs while the cluster waits for a leader is better begun anew.
  const timeoutMs = Math.min(limits.peerHandshakeTimeoutMs, Math.max(limits.peerProbeTimeoutMs, silenceMs));
  const check = (identity: PeerIdentity): void => {
    checkCluster(identity, dialing.own);
    checkExpected(id, identity.nodeId);
    checkPin(identity, pins);
  };
  return (lane, onOpen) =>
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
}
