import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { openWebSocketLink, webSocketUrl } from '../../../../client/node/websocket-link.ts';

let server: WebSocketServer;
let url = '';

beforeEach(async () => {
  server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  server.on('connection', (socket) => {
    socket.on('message', (data, isBinary) => {
      if (!isBinary) return;
      const bytes = data as Buffer;
      if (bytes.length === 0) socket.send('text');
      else if (bytes.length === 1) socket.close(4401, 'unauthenticated: who are you?');
      else socket.send(bytes);
    });
  });
  await new Promise((resolve) => server.once('listening', resolve));
  url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/worker-socket`;
});

afterEach(async () => {
  for (const socket of server.clients) socket.terminate();
  await new Promise((resolve) => server.close(resolve));
});

describe('openWebSocketLink', () => {
  it('carries whole messages both ways', async () => {
    const link = await openWebSocketLink(url);
    const received = new Promise<Uint8Array>((resolve) => {
      link.onMessage = resolve;
    });
    link.send(new Uint8Array([1, 2, 3]));
    expect([...(await received)]).toEqual([1, 2, 3]);
    link.close();
  });

  it('tells code and reason of the end', async () => {
    const link = await openWebSocketLink(url);
    const closed = new Promise((resolve) => {
      link.onClose = (code, reason) => resolve({ code, reason });
    });
    link.send(new Uint8Array(1));
    expect(await closed).toEqual({ code: 4401, reason: 'unauthenticated: who are you?' });
    link.send(new Uint8Array(3));
  });

  it('ends the connection at a text message', async () => {
    const link = await openWebSocketLink(url);
    const peerSaw = new Promise((resolve) => {
      for (const socket of server.clients) socket.on('close', resolve);
    });
    link.send(new Uint8Array(0));
    expect(await peerSaw).toBe(4400);
  });

  it('says where nobody listens, and can be given up', async () => {
    await expect(openWebSocketLink('ws://127.0.0.1:1/')).rejects.toMatchObject({ code: 'unavailable' });
    await expect(openWebSocketLink(url, AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' });
    const stop = new AbortController();
    const pending = openWebSocketLink(url, stop.signal);
    stop.abort();
    await expect(pending).rejects.toMatchObject({ code: 'cancelled' });
  });
});

describe('webSocketUrl', () => {
  it('keeps the path of the base and the security of its scheme', () => {
    expect(webSocketUrl('http://a.test:7077/', 'worker-socket')).toBe('ws://a.test:7077/worker-socket');
    expect(webSocketUrl('https://a.test/grid/', 'worker-socket')).toBe('wss://a.test/grid/worker-socket');
  });
});
