import { randomBytes } from 'node:crypto';
import { WebSocket } from 'ws';
import { GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';
import type { Link } from '../../../shared/protocol/link.ts';
import { peerLanes, peerProtocolVersion } from '../../../shared/protocol/peer-services.ts';
import { closeCodeOf, closeReasonOf } from '../../../shared/protocol/status.ts';
import type { NodeId } from '../../raft/cluster-configuration.ts';
import { WebSocketLink } from '../websocket-link.ts';
import { deriveKeys, isProof } from './credentials.ts';
import { dialFailure } from './dial-failure.ts';
import { createExchange, type Exchange } from './handshake-exchange.ts';
import { identityMessage, identityOf, type Lane, type PeerIdentity } from './handshake-messages.ts';
import { channelBindingOf, type PeerTls, tlsOptions } from './peer-tls.ts';
import { unprovenAcceptor } from './refusals.ts';
import { sealLink } from './sealed-link.ts';
import { socketOptions } from './socket-options.ts';

export interface DialOptions {
  readonly own: PeerIdentity;
  readonly secret: string;
  readonly tls?: PeerTls;
  /** `host:port`. */
  readonly address: string;
  readonly lane: Lane;
  /** Empty when whoever is there will do. */
  readonly expectedNodeId: NodeId | '';
  readonly signal: AbortSignal;
  /** For the connection, and again for the handshake; the longest allowed when absent. */
  readonly timeoutMs?: number;
  /** @throws GradswarmError not to speak with it; it has proved that it knows the secret. */
  check(identity: PeerIdentity): void;
}

/** Another coordinator, which has proved who it is, as this one has to it. */
export interface MetPeer {
  readonly identity: PeerIdentity;
  /** Sealed. */
  readonly link: Link;
  /** The same connection, to watch over it. */
  readonly socket: WebSocket;
}

/** @throws GradswarmError with the reason in words: `unavailable`, `connectionLost`, or what either side refuses with. */
export async function dialPeer(options: DialOptions): Promise<MetPeer> {
  const { socket, channelBinding } = await openSocket(options);
  const link = new WebSocketLink(socket);
  const exchange = createExchange(link, options.timeoutMs);
  try {
    return await shakeHands(options, exchange, link, socket, channelBinding);
  } catch (error) {
    exchange.abandon();
    if (error instanceof GradswarmError) link.close(closeCodeOf(error.code), closeReasonOf(error));
    else socket.terminate();
    throw error;
  }
}

async function shakeHands(
  { own, secret, lane, expectedNodeId, check }: DialOptions,
  exchange: Exchange,
  link: Link,
  socket: WebSocket,
  channelBinding: Uint8Array,
): Promise<MetPeer> {
  const dialer = identityMessage(own, randomBytes(32));
  const introduction = {
    protocolVersion: peerProtocolVersion,
    lane: peerLanes[lane],
    dialer,
    expectedNodeId,
  };
  const hello = exchange.send({ case: 'hello', value: introduction });
  const challenge = await exchange.receive('challenge');
  const identity = identityOf(challenge.value.acceptor, 'control');
  const keys = deriveKeys(secret, channelBinding, { hello, challenge: challenge.bytes });
  exchange.send({ case: 'proof', value: { proof: keys.proof('dialer') } });
  const welcome = await exchange.receive('welcome');
  if (!isProof(welcome.value.proof, keys.proof('acceptor'))) throw unprovenAcceptor(identity.nodeId);
  check(identity);
  exchange.finish();
  const sealed = sealLink(
    link,
    { ...own, key: keys.frameKey('dialer') },
    { ...identity, key: keys.frameKey('acceptor') },
  );
  return { identity, link: sealed, socket };
}

function openSocket({ address, tls, signal, timeoutMs }: DialOptions): Promise<{
  readonly socket: WebSocket;
  readonly channelBinding: Uint8Array;
}> {
  return new Promise((resolve, reject) => {
    const fail = (reason: string): void =>
      reject(new GradswarmError('unavailable', `no connection to ${address}: ${reason}`));
    if (signal.aborted) return fail('it was given up');
    const socket = new WebSocket(`${tls ? 'wss' : 'ws'}://${address}/peer`, {
      ...socketOptions,
      handshakeTimeout: timeoutMs ?? limits.peerHandshakeTimeoutMs,
      // The types of `ws` do not know what `tls.connect` takes.
      ...((tls ? tlsOptions(tls) : {}) as object),
    });
    let channelBinding = new Uint8Array(0);
    const abandon = (): void => socket.terminate();
    signal.addEventListener('abort', abandon, { once: true });
    const onError = (error: Error): void => {
      signal.removeEventListener('abort', abandon);
      fail(signal.aborted ? 'it was given up' : dialFailure(error, tls !== undefined));
    };
    socket.once('error', onError);
    socket.once('upgrade', (response) => {
      channelBinding = Uint8Array.from(channelBindingOf(response.socket));
    });
    socket.once('open', () => {
      socket.off('error', onError);
      socket.once('close', () => signal.removeEventListener('abort', abandon));
      resolve({ socket, channelBinding });
    });
    return undefined;
  });
}
