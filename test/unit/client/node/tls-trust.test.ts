import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { createHttpGet } from '../../../../client/node/fetch-over-tls.ts';
import { readTlsTrust } from '../../../../client/node/tls-trust.ts';
import { openWebSocketLink } from '../../../../client/node/websocket-link.ts';
import { createFetchBytes } from '../../../../client/worker/data/fetch-bytes.ts';
import { selfSignedTls, type TlsIdentity } from '../../../../server/http/tls.ts';

const folder = mkdtempSync(join(tmpdir(), 'gradswarm-trust-'));
let ours: TlsIdentity;
let foreign: TlsIdentity;
let server: Server;
let port = 0;

beforeAll(async () => {
  ours = await selfSignedTls(join(folder, 'ours'));
  foreign = await selfSignedTls(join(folder, 'foreign'));
  server = createServer({ cert: ours.cert, key: ours.key }, (request, response) => {
    response.writeHead(request.url === '/shard' ? 200 : 404).end('bytes');
  });
  new WebSocketServer({ server }).on('connection', (socket) => socket.close(1000, 'welcome'));
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
  port = (server.address() as AddressInfo).port;
});

afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

const greeting = async (host: string, certFile?: string): Promise<string> => {
  const trust = certFile === undefined ? undefined : readTlsTrust(certFile);
  const link = await openWebSocketLink(`wss://${host}:${port}/`, undefined, trust);
  return new Promise((resolve) => {
    link.onClose = (_code, reason) => resolve(reason);
  });
};

// 127.0.0.2 is no name of the certificate: behind address translation, few of a coordinator's addresses are.
it.each(['127.0.0.1', '127.0.0.2'])('trusts the certificate of the file at %s', async (host) => {
  expect(await greeting(host, ours.certFile)).toBe('welcome');
  const fetchBytes = createFetchBytes(createHttpGet(readTlsTrust(ours.certFile)));
  const { signal } = new AbortController();
  const bytes = await fetchBytes(`https://${host}:${port}/shard`, 5, signal);
  expect(new TextDecoder().decode(bytes)).toBe('bytes');
  await expect(fetchBytes(`https://${host}:${port}/none`, 5, signal)).rejects.toMatchObject({
    code: 'notFound',
  });
});

it('trusts no other certificate', async () => {
  await expect(greeting('127.0.0.1')).rejects.toThrow('--ca');
  await expect(greeting('127.0.0.1', foreign.certFile)).rejects.toMatchObject({ code: 'unavailable' });
  const fetchBytes = createFetchBytes(createHttpGet(readTlsTrust(foreign.certFile)));
  await expect(
    fetchBytes(`https://127.0.0.1:${port}/shard`, 5, new AbortController().signal),
  ).rejects.toMatchObject({ code: 'unavailable' });
});

it('names the file that holds no certificate', () => {
  const keyFile = join(folder, 'ours', 'self-signed-key.pem');
  expect(() => readTlsTrust(keyFile)).toThrow(`${keyFile} cannot be used`);
  expect(() => readTlsTrust(join(folder, 'none.pem'))).toThrow('none.pem cannot be used');
});
