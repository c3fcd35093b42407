import { randomBytes } from 'node:crypto';
import type { WebSocket } from 'ws';
import { GradswarmError } from '../../../shared/base/errors.ts';
import type { Link } from '../../../shared/protocol/link.ts';
import { closeCodeOf, closeReasonOf, statusOf } from '../../../shared/protocol/status.ts';
import type { NodeId } from '../../raft/cluster-configuration.ts';
import { WebSocketLink } from '../websocket-link.ts';
import { deriveKeys, isProof } from './credentials.ts';
import type { MetPeer } from './dial-peer.ts';
import { createExchange, type Exchange } from './handshake-exchange.ts';
import { identityMessage, identityOf, type Lane, laneOf, type PeerIdentity } from './handshake-messages.ts';
import { checkVersion, wrongSecret } from './refusals.ts';
import { sealLink } from './sealed-link.ts';

export interface AcceptOptions {
  readonly own: PeerIdentity;
  readonly secret: string;
  /**
   * Asked when the dialer has proved that it knows the secret.
   * @throws GradswarmError to refuse it.
   */
  admit(dialer: PeerIdentity, lane: Lane, expectedNodeId: NodeId): Promise<void>;
  /** Told in whose name a connection was tried, once it claims one. */
  onClaim(nodeId: NodeId): void;
}

export interface AcceptedPeer extends MetPeer {
  readonly lane: Lane;
}

/** @throws GradswarmError with the reason in words, which the dialer was told as well. */
export async function acceptPeer(
  socket: WebSocket,
  channelBinding: Uint8Array,
  options: AcceptOptions,
): Promise<AcceptedPeer> {
  const link = new WebSocketLink(socket);
  const exchange = createExchange(link);
  try {
    return await shakeHands(options, exchange, link, socket, channelBinding);
  } catch (error) {
    exchange.abandon();
    const { code, message } = statusOf(error);
    exchange.send({ case: 'refusal', value: { code, message } });
    const told = error instanceof GradswarmError ? error : new GradswarmError('internal', 'see its log');
    link.close(closeCodeOf(told.code), closeReasonOf(told));
    throw error;
  }
}

async function shakeHands(
  { own, secret, admit, onClaim }: AcceptOptions,
  exchange: Exchange,
  link: Link,
  socket: WebSocket,
  channelBinding: Uint8Array,
): Promise<AcceptedPeer> {
  const hello = await exchange.receive('hello');
  checkVersion(hello.value.protocolVersion, own.nodeId);
  const lane = laneOf(hello.value);
  const identity = identityOf(hello.value.dialer, lane);
  onClaim(identity.nodeId);
  const challenge = exchange.send({
    case: 'challenge',
    value: { acceptor: identityMessage(own, randomBytes(32)) },
  });
  const keys = deriveKeys(secret, channelBinding, { hello: hello.bytes, challenge });
  const proof = await exchange.receive('proof');
  if (!isProof(proof.value.proof, keys.proof('dialer'))) throw wrongSecret();
  await admit(identity, lane, hello.value.expectedNodeId);
  exchange.finish();
  exchange.send({ case: 'welcome', value: { proof: keys.proof('acceptor') } });
  const sealed = sealLink(
    link,
    { ...own, key: keys.frameKey('acceptor') },
    { ...identity, key: keys.frameKey('dialer') },
  );
  return { identity, lane, link: sealed, socket };
}
