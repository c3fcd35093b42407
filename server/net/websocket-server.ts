import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { errorTable, GradswarmError } from '../../shared/base/errors.ts';
import { limits } from '../../shared/base/limits.ts';
import type { Link } from '../../shared/protocol/link.ts';
import type { Admission } from './admission.ts';
import type { OriginPolicy } from './origin-policy.ts';
import { WebSocketLink } from './websocket-link.ts';

export interface WebSocketServerDeps {
  readonly admission: Admission;
  readonly allowsOrigin: OriginPolicy;
  /** Gateways by path, such as `/worker-socket`. */
  readonly gateways: Readonly<Record<string, { serve(link: Link, address: string): void }>>;
  /** Take the peer's address from X-Forwarded-For: only behind a proxy that sets it. */
  readonly trustProxy?: boolean;
  readonly nowMs?: () => number;
}

export interface AttachedWebSockets {
  /** Says goodbye to every peer and cuts off those that do not answer; resolves when none is left. */
  close(): Promise<void>;
}

interface Peer {
  readonly link: WebSocketLink;
  /** Counts it out of those that were admitted. */
  readonly release: () => void;
  pingedMs: number;
  /** When it last answered a ping. */
  pongedMs: number;
  /** Since when it has not taken what was sent. */
  slowSinceMs: number | undefined;
}

const watchIntervalMs = 1_000;
const pingTurns = 16;
const goingAway = 1001;

/**
 * Upgrades connections of an HTTP server that belongs to someone else, and drops peers that are dead or too slow. All
 * sockets share their listeners, and are pinged a part at a time.
 */
export function attachWebSockets(server: Server, deps: WebSocketServerDeps): AttachedWebSockets {
  const nowMs = deps.nowMs ?? (() => performance.now());
  const peers = new Map<WebSocket, Peer>();
  let accepted = 0;
  const sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: limits.frameBytesMax,
    maxFragments: limits.frameFragmentsMax,
    maxBufferedChunks: limits.webSocketBufferedChunksMax,
  });

  function onPong(this: WebSocket): void {
    const peer = peers.get(this);
    if (peer !== undefined) peer.pongedMs = nowMs();
  }

  function onClose(this: WebSocket): void {
    peers.get(this)?.release();
    peers.delete(this);
  }

  const accept = (socket: WebSocket, release: () => void): WebSocketLink => {
    const link = new WebSocketLink(socket);
    const now = nowMs();
    // Those that come together are not pinged together.
    accepted += 1;
    const ago = ((accepted % pingTurns) / pingTurns) * limits.pingIntervalMs;
    peers.set(socket, { link, release, pingedMs: now - ago, pongedMs: now, slowSinceMs: undefined });
    socket.on('pong', onPong);
    socket.on('close', onClose);
    return link;
  };

  const onUpgrade = (request: IncomingMessage, stream: Duplex, head: Buffer): void => {
    stream.on('error', destroyStream);
    try {
      const { gateway, address } = checkUpgrade(request, deps);
      const release = deps.admission.enter(address);
      let isAccepted = false;
      try {
        // Calls back before it returns, or refuses.
        sockets.handleUpgrade(request, stream, head, (socket) => {
          isAccepted = true;
          stream.off('error', destroyStream);
          gateway.serve(accept(socket, release), address);
        });
      } finally {
        if (!isAccepted) release();
      }
    } catch (error) {
      refuse(
        stream,
        error instanceof GradswarmError ? error : new GradswarmError('internal', 'unexpected error'),
      );
    }
  };
  server.on('upgrade', onUpgrade);

  const timer = setInterval(() => {
    for (const [socket, peer] of peers) watch(socket, peer, nowMs());
  }, watchIntervalMs);
  timer.unref();

  return {
    async close() {
      server.off('upgrade', onUpgrade);
      clearInterval(timer);
      const gone = [...peers].map(
        ([socket, { link }]) =>
          new Promise<void>((resolve) => {
            socket.once('close', () => resolve());
            link.close(goingAway, 'unavailable: the coordinator is shutting down');
          }),
      );
      await Promise.all(gone);
    },
  };
}

function checkUpgrade(
  request: IncomingMessage,
  { gateways, allowsOrigin, trustProxy = false }: WebSocketServerDeps,
): { readonly gateway: { serve(link: Link, address: string): void }; readonly address: string } {
  const url = new URL(request.url ?? '/', 'http://coordinator');
  const gateway = Object.hasOwn(gateways, url.pathname) ? gateways[url.pathname] : undefined;
  if (!gateway) {
    const known = Object.keys(gateways).join(' and ');
    throw new GradswarmError('notFound', `no WebSocket at ${url.pathname}; there are ${known}`);
  }
  if (!allowsOrigin(request.headers.origin, request.headers.host)) {
    const remedy = 'add the origin to allowedOrigins in the configuration to allow it';
    throw new GradswarmError('forbidden', `pages of ${request.headers.origin} may not connect; ${remedy}`);
  }
  if (url.searchParams.has('token')) {
    const remedy = 'addresses end up in logs; send the token in the first call';
    throw new GradswarmError('badRequest', remedy, 'token');
  }
  return { gateway, address: addressOf(request, trustProxy) };
}

/** A proxy appends the address that it saw: the last one is not the client's to choose. */
function addressOf({ headers, socket }: IncomingMessage, trustProxy: boolean): string {
  const forwarded = trustProxy ? headers['x-forwarded-for'] : undefined;
  return forwarded?.toString().split(',').at(-1)?.trim() || (socket.remoteAddress ?? '');
}

function refuse(stream: Duplex, error: GradswarmError): void {
  const { status } = errorTable[error.code];
  const body = JSON.stringify({ error: { code: error.code, message: error.message } });
  const head = [
    `HTTP/1.1 ${status} ${error.code}`,
    'Connection: close',
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  stream.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => stream.destroy());
}

function destroyStream(this: Duplex): void {
  this.destroy();
}

function watch(socket: WebSocket, peer: Peer, now: number): void {
  const isSlow = peer.link.bufferedBytes > limits.bufferedBytesMax;
  peer.slowSinceMs = isSlow ? (peer.slowSinceMs ?? now) : undefined;
  const isTooSlow = peer.slowSinceMs !== undefined && now - peer.slowSinceMs > limits.slowReaderMs;
  if (isTooSlow || now - peer.pongedMs >= limits.pongTimeoutMs) {
    socket.terminate();
    return;
  }
  if (now - peer.pingedMs < limits.pingIntervalMs) return;
  peer.pingedMs = now;
  socket.ping();
}
