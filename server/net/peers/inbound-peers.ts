import type { WebSocket } from 'ws';
import { GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';
import { closeCodeOf, closeReasonOf } from '../../../shared/protocol/status.ts';
import type { NodeId } from '../../raft/cluster-configuration.ts';
import type { Message } from '../../raft/message.ts';
import type { PeerPins } from '../../runtime/peers.ts';
import { type AcceptedPeer, acceptPeer } from './accept-peer.ts';
import { admitDialer } from './admit-dialer.ts';
import type { BulkServer } from './bulk-server.ts';
import type { Lane, PeerIdentity } from './handshake-messages.ts';
import { keepAlive } from './keep-alive.ts';
import { receiveMessages, sendMessage } from './message-lane.ts';
import type { Notices } from './notices.ts';

export interface InboundOptions {
  readonly own: PeerIdentity;
  readonly secret: string;
  readonly pins: PeerPins;
  readonly silenceMs: number;
  readonly bulkServer: BulkServer;
  readonly notices: Notices;
  isMember(id: NodeId): boolean;
  onMessage(message: Message): void;
  /** A member has connected, so it lives. */
  onMet(identity: PeerIdentity): void;
  onDefect(error: unknown, what: string): void;
}

/** What the other coordinators opened: the only way by which anything of theirs gets in. */
export interface InboundPeers {
  accept(socket: WebSocket, remoteAddress: string, channelBinding: Uint8Array): void;
  /** Over the connection that its receiver opened; dropped when there is none. */
  send(message: Message): void;
  /** Closes the connections of all others. */
  retain(ids: ReadonlySet<NodeId>): void;
}

const normalClosure = 1000;
const ownCodes = 4000;

export function createInboundPeers(options: InboundOptions): InboundPeers {
  const { own, pins, silenceMs, bulkServer, notices, isMember, onMet, onDefect } = options;
  /** One connection for each member and lane, by `lane id`. */
  const connections = new Map<string, AcceptedPeer>();
  const keyOf = (lane: Lane, id: NodeId): string => `${lane} ${id}`;

  const connection = (id: NodeId): AcceptedPeer | undefined => connections.get(keyOf('control', id));

  const admit = async (dialer: PeerIdentity, lane: Lane, expectedId: NodeId): Promise<void> => {
    if (lane !== 'discovery') await admitDialer(dialer, expectedId, { own, pins, isMember, connection });
  };

  const serve = (peer: AcceptedPeer): void => {
    const { identity, lane, link, socket } = peer;
    const { nodeId } = identity;
    if (lane === 'discovery') {
      link.close(normalClosure);
      return;
    }
    const key = keyOf(lane, nodeId);
    connections.get(key)?.socket.terminate();
    connections.set(key, peer);
    keepAlive(socket, lane === 'control' ? silenceMs : limits.peerBulkSilenceMs);
    const onEnd = (code: number, reason: string): void => {
      if (connections.get(key) === peer) connections.delete(key);
      if (code < ownCodes) return;
      notices.tell(`from ${nodeId}`, {
        level: 'warn',
        message: `a connection of node ${nodeId} ended: ${reason}`,
      });
    };
    if (lane === 'bulk') {
      void bulkServer.serve(link, nodeId).closed.then(({ code, reason }) => onEnd(code, reason));
      return;
    }
    link.onClose = onEnd;
    receiveMessages(link, nodeId, own.nodeId, options.onMessage);
    onMet(identity);
  };

  return {
    accept(socket, remoteAddress, channelBinding) {
      let name = 'somebody';
      const onClaim = (id: NodeId): void => {
        name = `node ${id}`;
      };
      acceptPeer(socket, channelBinding, { own, secret: options.secret, admit, onClaim }).then(
        serve,
        (error: unknown) => {
          if (!(error instanceof GradswarmError)) onDefect(error, 'a handshake between coordinators');
          const reason = error instanceof Error ? error.message : String(error);
          const message = `${name} at ${remoteAddress} was refused: ${reason}`;
          notices.tell(`at ${remoteAddress}`, { level: 'warn', message });
        },
      );
    },
    send(message) {
      const peer = connection(message.to);
      if (peer) sendMessage(peer.link, message, notices);
    },
    retain(ids) {
      const gone = new GradswarmError('forbidden', 'this node is no longer a member of the cluster');
      for (const { identity, link } of connections.values()) {
        if (!ids.has(identity.nodeId)) link.close(closeCodeOf(gone.code), closeReasonOf(gone));
      }
    },
  };
}
