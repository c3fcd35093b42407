import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PeerCertificate, TLSSocket } from 'node:tls';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { buildApp } from '../../../../server/http/app.ts';
import { loadTls, selfSignedTls } from '../../../../server/http/tls.ts';
import { aloneInCluster } from '../../../../shared/base/cluster-view.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gradswarm-tls-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('a self-signed certificate is made once, kept, and its key is private', async () => {
  const first = await selfSignedTls(folder);
  expect(first.fingerprint).toMatch(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
  expect((await selfSignedTls(folder)).fingerprint).toBe(first.fingerprint);
  expect(statSync(join(folder, 'self-signed-key.pem')).mode & 0o077).toBe(0);
});

test('a damaged certificate is made anew', async () => {
  const { fingerprint } = await selfSignedTls(folder);
  writeFileSync(join(folder, 'self-signed-cert.pem'), 'damaged');
  expect((await selfSignedTls(folder)).fingerprint).not.toBe(fingerprint);
});

test('what is wrong with certificate and key is said with the file and the field', async () => {
  await selfSignedTls(folder);
  const other = mkdtempSync(join(tmpdir(), 'gradswarm-tls-'));
  await selfSignedTls(other);
  const [cert, key, otherKey] = [
    join(folder, 'self-signed-cert.pem'),
    join(folder, 'self-signed-key.pem'),
    join(other, 'self-signed-key.pem'),
  ];
  await expect(loadTls(join(folder, 'none.pem'), key)).rejects.toMatchObject({ field: 'tlsCert' });
  await expect(loadTls(key, key)).rejects.toThrow('does not hold a certificate in PEM format');
  await expect(loadTls(cert, cert)).rejects.toMatchObject({ code: 'badRequest', field: 'tlsKey' });
  await expect(loadTls(cert, otherKey)).rejects.toThrow('is not the key of');
  rmSync(other, { recursive: true });
});

test('the application speaks TLS with it, under every name of the machine', async () => {
  const tls = await selfSignedTls(folder);
  const app = await buildApp({
    distFolder: folder,
    exportsFolder: folder,
    authenticate: () => 'admin',
    jobs: () => [],
    cluster: () => aloneInCluster,
    allowsOrigin: () => false,
    isReady: () => true,
    datasets: () => [],
    blobs: { get: () => new Uint8Array(0) },
    fetchIfMissing: async () => {},
    tls,
  });
  await app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = app.server.address() as AddressInfo;
  const certificate = await new Promise<PeerCertificate>((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path: '/healthz', ca: tls.cert }, (response) => {
      resolve((response.socket as TLSSocket).getPeerCertificate());
      response.resume();
    });
    asked.on('error', reject);
    asked.end();
  });
  expect(certificate.fingerprint256).toBe(tls.fingerprint);
  await app.close();
});
