import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createAdmission } from '../../../../server/net/admission.ts';
import { createOriginPolicy } from '../../../../server/net/origin-policy.ts';
import { type AttachedWebSockets, attachWebSockets } from '../../../../server/net/websocket-server.ts';
import { createWorkerGateway } from '../../../../server/net/worker-gateway.ts';
import { aloneInCluster } from '../../../../shared/base/cluster-view.ts';
import { limits } from '../../../../shared/base/limits.ts';
import type { Link } from '../../../../shared/protocol/link.ts';
import { createLinkPair } from '../../../../shared/protocol/memory-link.ts';

let server: Server;
let sockets: AttachedWebSockets;
let served: Link[];
let nowMs: number;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  served = [];
  nowMs = 0;
  server = createServer();
  sockets = attachWebSockets(server, {
    admission: createAdmission(),
    allowsOrigin: createOriginPolicy({ allowed: [], loopbackOnly: true }),
    gateways: { '/link': { serve: (link) => served.push(link) } },
    nowMs: () => nowMs,
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  await sockets.close();
  server.close();
  vi.useRealTimers();
});

/** A peer that completes the handshake by hand, so that it may then ignore the protocol. */
async function openRaw(): Promise<Socket> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const headers = ['Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13'];
  const key = `Sec-WebSocket-Key: ${Buffer.alloc(16).toString('base64')}`;
  socket.write(['GET /link HTTP/1.1', 'Host: 127.0.0.1', ...headers, key, '', ''].join('\r\n'));
  await once(socket, 'data');
  await expect.poll(() => served.length).toBeGreaterThan(0);
  return socket;
}

function pass(durationMs: number): void {
  nowMs += durationMs;
  vi.advanceTimersByTime(1_000);
}

test('a peer that reads too slowly for too long is cut off', async () => {
  const socket = await openRaw();
  socket.pause();
  const link = served[0]!;
  const closed = new Promise<number>((resolve) => {
    link.onClose = resolve;
  });
  while (link.bufferedBytes <= limits.bufferedBytesMax) link.send(new Uint8Array(1_048_576));
  pass(1_000);
  pass(limits.slowReaderMs - 1_000);
  expect(link.bufferedBytes).toBeGreaterThan(limits.bufferedBytesMax);
  pass(2_000);
  expect(await closed).toBe(1006);
  socket.destroy();
});

test('a peer that answers no ping is cut off', async () => {
  const socket = await openRaw();
  const closed = new Promise<number>((resolve) => {
    served[0]!.onClose = resolve;
  });
  pass(limits.pingIntervalMs);
  pass(limits.pongTimeoutMs - limits.pingIntervalMs);
  expect(await closed).toBe(1006);
  socket.destroy();
});

test('a connection that does not introduce itself is closed', async () => {
  const tasks: { readonly delayMs: number; readonly task: () => void }[] = [];
  const gateway = createWorkerGateway({
    clusterId: 'test',
    call: () => ({ call: 1, answer: new Promise(() => {}) }),
    post: () => {},
    epoch: () => 1,
    cluster: () => aloneInCluster,
    tokens: () => [],
    job: () => undefined,
    ring: () => undefined,
    snapshot: () => Promise.reject(new Error('not asked')),
    delta: () => undefined,
    onDefect: () => {},
    timers: {
      nowMs: () => nowMs,
      after(delayMs, task) {
        tasks.push({ delayMs, task });
        return () => {};
      },
    },
  });
  const [peer, link] = createLinkPair();
  gateway.serve(link);
  expect(tasks.map(({ delayMs }) => delayMs)).toEqual([limits.handshakeTimeoutMs]);
  const closed = new Promise<string>((resolve) => {
    peer.onClose = (code, reason) => resolve(`${code} ${reason}`);
  });
  nowMs = limits.handshakeTimeoutMs;
  tasks[0]?.task();
  expect(await closed).toBe('4401 unauthenticated: no Register within 5000 ms');
});
