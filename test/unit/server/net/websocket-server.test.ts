import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type Admission, createAdmission } from '../../../../server/net/admission.ts';
import { createOriginPolicy } from '../../../../server/net/origin-policy.ts';
import { attachWebSockets } from '../../../../server/net/websocket-server.ts';

let stop: (() => Promise<void>) | undefined;
afterEach(async () => {
  await stop?.();
  stop = undefined;
});

async function listen(admission: Admission, trustProxy: boolean): Promise<string> {
  const server = createServer();
  const sockets = attachWebSockets(server, {
    admission,
    allowsOrigin: createOriginPolicy({ allowed: [], loopbackOnly: true }),
    gateways: { '/link': { serve: () => {} } },
    trustProxy,
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stop = async () => {
    await sockets.close();
    server.close();
  };
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/link`;
}

async function statusOf(url: string, headers: Record<string, string> = {}): Promise<number> {
  const socket = new WebSocket(url, { headers });
  const status = await new Promise<number>((resolve, reject) => {
    socket.once('open', () => resolve(101));
    socket.once('unexpected-response', (_request, response) => {
      resolve(response.statusCode ?? 0);
      response.destroy();
    });
    socket.once('error', reject);
  });
  return status;
}

test('an address that has all its connections is refused until one of them ends', async () => {
  const admission = createAdmission(() => 0, {
    connectionsMax: 10,
    connectionsPerAddressMax: 1,
    connectionsPerAddressPerMinuteMax: 100,
  });
  const url = await listen(admission, false);
  const first = new WebSocket(url);
  await once(first, 'open');
  expect(await statusOf(url)).toBe(429);
  first.close();
  await expect.poll(() => admission.connections).toBe(0);
  expect(await statusOf(url)).toBe(101);
});

test('a coordinator that is full says so', async () => {
  const admission = createAdmission(() => 0, {
    connectionsMax: 0,
    connectionsPerAddressMax: 1,
    connectionsPerAddressPerMinuteMax: 100,
  });
  expect(await statusOf(await listen(admission, false))).toBe(503);
});

test.each([
  [false, '127.0.0.1'],
  [true, '203.0.113.7'],
])('with a trusted proxy %s, the address is %s', async (trustProxy, expected) => {
  const addresses: string[] = [];
  const counted = createAdmission();
  const admission: Admission = {
    enter(address) {
      addresses.push(address);
      return counted.enter(address);
    },
    connections: 0,
  };
  const url = await listen(admission, trustProxy);
  expect(await statusOf(url, { 'x-forwarded-for': '198.51.100.1, 203.0.113.7' })).toBe(101);
  expect(addresses).toEqual([expected]);
});
