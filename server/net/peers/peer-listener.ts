import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';
import { createAdmission } from '../admission.ts';
import { channelBindingOf, type PeerTls, tlsOptions } from './peer-tls.ts';
import { socketOptions } from './socket-options.ts';

export interface PeerListenerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly tls?: PeerTls;
  /** A WebSocket of anybody: nothing is known but that under TLS it showed a certificate of the authority. */
  onSocket(socket: WebSocket, remoteAddress: string, channelBinding: Uint8Array): void;
  /** Somebody did not get as far as that. */
  onTlsFailure(remoteAddress: string, reason: string): void;
}

export interface PeerListener {
  readonly port: number;
  /** Cuts off whoever is left. */
  close(): Promise<void>;
}

const httpOptions = {
  maxHeaderSize: limits.peerHandshakeBytesMax,
  headersTimeout: limits.peerHandshakeTimeoutMs,
  requestTimeout: limits.peerHandshakeTimeoutMs,
  connectionsCheckingInterval: limits.peerProbeTimeoutMs,
} as const;

/** The port that only coordinators use. @throws GradswarmError `portInUse` or `badRequest`. */
export async function listenForPeers(options: PeerListenerOptions): Promise<PeerListener> {
  const { tls, onSocket } = options;
  const server = tls ? createMutualTlsServer(tls, options) : createServer(httpOptions);
  const connections = countConnections(server);
  const sockets = new WebSocketServer({ noServer: true, clientTracking: false, ...socketOptions });
  server.on('request', (_, response) => {
    response.writeHead(426, { Connection: 'close', Upgrade: 'websocket' });
    response.end('This port is for coordinators.\n');
  });
  server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    stream.on('error', () => stream.destroy());
    // Coordinators send no Origin, pages always do.
    if (request.url !== '/peer' || request.headers.origin !== undefined) {
      stream.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    sockets.handleUpgrade(request, stream, head, (socket) =>
      onSocket(socket, request.socket.remoteAddress ?? '', channelBindingOf(request.socket)),
    );
  });
  await listen(server, options);
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      for (const socket of connections) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function createMutualTlsServer(tls: PeerTls, { onTlsFailure }: PeerListenerOptions): Server {
  const server = createTlsServer({
    ...httpOptions,
    ...tlsOptions(tls),
    requestCert: true,
    rejectUnauthorized: true,
    handshakeTimeout: limits.peerHandshakeTimeoutMs,
  });
  server.on('tlsClientError', ({ message }, socket) => {
    onTlsFailure(socket.remoteAddress ?? 'somebody who left', String(socket.authorizationError ?? message));
    socket.destroy();
  });
  return server;
}

/** Everybody counts from the first byte on, before TLS and HTTP. */
function countConnections(server: Server): ReadonlySet<Socket> {
  const connections = new Set<Socket>();
  const admission = createAdmission(undefined, {
    connectionsMax: limits.peerConnectionsMax,
    connectionsPerAddressMax: limits.peerConnectionsPerAddressMax,
    connectionsPerAddressPerMinuteMax: limits.peerConnectionsPerAddressPerMinuteMax,
  });
  server.on('connection', (socket: Socket) => {
    try {
      const release = admission.enter(socket.remoteAddress ?? '');
      connections.add(socket);
      socket.once('close', () => {
        connections.delete(socket);
        release();
      });
    } catch {
      socket.destroy();
    }
  });
  return connections;
}

function listen(server: Server, { host, port }: PeerListenerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') {
        const remedy = 'end that program, or choose another port with --peer-listen';
        const message = `another program listens on ${host}:${port}; ${remedy}`;
        reject(new GradswarmError('portInUse', message, '--peer-listen'));
      } else {
        reject(
          new GradswarmError(
            'badRequest',
            `cannot listen on ${host}:${port}: ${error.message}`,
            '--peer-listen',
          ),
        );
      }
    });
    server.listen({ host, port }, resolve);
  });
}
