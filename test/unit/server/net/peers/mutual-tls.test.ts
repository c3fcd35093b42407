import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { discoverClusterId } from '../../../../../server/net/peers/discover-cluster-id.ts';
import { loadPeerTls, type PeerTls } from '../../../../../server/net/peers/peer-tls.ts';
import { sha256 } from '../../../../../server/storage/blob-store.ts';
import {
  clusterId,
  connected,
  heartbeat,
  introduce,
  patience,
  secret,
  signal,
  startNode,
  words,
} from './running-peers.ts';

interface Signed {
  readonly cert: string;
  readonly private: string;
}

const inOneHour = new Date(Date.now() + 3_600_000);

function authority(name: string): Promise<Signed> {
  return generate([{ name: 'commonName', value: name }], {
    ...{ keyType: 'ec', algorithm: 'sha256', notAfterDate: inOneHour },
    extensions: [
      { name: 'basicConstraints', cA: true },
      { name: 'keyUsage', keyCertSign: true, digitalSignature: true },
    ],
  });
}

/** A certificate of a node on this machine. */
function signedBy(ca: Signed, ip = '127.0.0.1', notAfterDate = inOneHour): Promise<Signed> {
  return generate([{ name: 'commonName', value: 'a node' }], {
    ...{ keyType: 'ec', algorithm: 'sha256', notBeforeDate: new Date(Date.now() - 7_200_000), notAfterDate },
    ca: { key: ca.private, cert: ca.cert },
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'keyUsage', digitalSignature: true },
      { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
      { name: 'subjectAltName', altNames: [{ type: 7, ip }] },
    ],
  });
}

let ca: Signed;
let tls: PeerTls;
let foreign: PeerTls;
beforeAll(async () => {
  ca = await authority('the cluster');
  const own = await signedBy(ca);
  tls = { cert: own.cert, key: own.private, ca: ca.cert };
  const other = await authority('another');
  const signed = await signedBy(other);
  foreign = { cert: signed.cert, key: signed.private, ca: other.cert };
});

describe('coordinators with certificates of one authority', () => {
  it('meet without a secret, and exchange messages and blobs', async () => {
    const [a, b] = [await startNode('a', { tls, secret: '' }), await startNode('b', { tls, secret: '' })];
    introduce(a, b);
    await connected(a, b);
    a.peers.send(heartbeat('a', 'b'));
    await expect.poll(() => b.received, patience).toEqual([heartbeat('a', 'b')]);
    const bytes = new Uint8Array(100_000).fill(7);
    await a.peers.storeBlob('b', sha256(bytes), bytes, 1, signal());
    expect(b.blobs.list()).toEqual([sha256(bytes)]);
    const question = { nodeId: 'd', address: a.address, secret: '', tls };
    expect(await discoverClusterId(question, signal())).toBe(clusterId);
  });

  it('still compare secrets where they have them', async () => {
    const [a, b] = [await startNode('a', { tls }), await startNode('b', { tls, secret: `${secret}!` })];
    introduce(a, b);
    for (const node of [a, b])
      await expect.poll(() => words(node), patience).toContain('the cluster secrets differ');
  });

  it('refuse a certificate of another authority, and say so at both ends', async () => {
    const [a, b] = [
      await startNode('a', { tls, secret: '' }),
      await startNode('b', { tls: foreign, secret: '' }),
    ];
    introduce(a, b);
    for (const node of [a, b]) {
      await expect
        .poll(() => words(node), patience)
        .toContain('is not valid under the authority of this cluster');
      await expect
        .poll(() => words(node), patience)
        .toMatch(/did not get through TLS .*; both sides need certificates of one authority/);
    }
  });

  it('refuse who trusts them, but has another certificate, or none', async () => {
    const a = await startNode('a', { tls, secret: '' });
    const mixed = { ...foreign, ca: tls.ca };
    const question = { nodeId: 'd', address: a.address, secret: '', tls: mixed };
    await expect(discoverClusterId(question, signal())).rejects.toThrow(
      'it does not take the certificate of this node',
    );
    await expect.poll(() => words(a), patience).toMatch(/did not get through TLS \(/);
    const plain = { nodeId: 'd', address: a.address, secret };
    await expect(discoverClusterId(plain, signal())).rejects.toThrow('perhaps it speaks TLS');
  });

  it('refuse a certificate for another address', async () => {
    const signed = await signedBy(ca, '127.0.0.9');
    const b = await startNode('b', {
      tls: { cert: signed.cert, key: signed.private, ca: ca.cert },
      secret: '',
    });
    const a = await startNode('a', { tls, secret: '' });
    introduce(a, b);
    await expect.poll(() => words(a), patience).toContain('its certificate is not for this host name');
  });

  it('are told when one speaks TLS and the other does not', async () => {
    const [a, b] = [await startNode('a', { tls }), await startNode('b')];
    introduce(a, b);
    await expect.poll(() => words(a), patience).toContain('one of both speaks TLS, and the other does not');
    expect(a.peers.describe('b')?.isConnected).toBe(false);
  });
});

describe('the files of a certificate', () => {
  let folder: string;
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'gradswarm-peer-tls-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('are read and checked, and what is wrong is said with file and field', async () => {
    const [certFile, keyFile, caFile] = [file('cert', tls.cert), file('key', tls.key), file('ca', tls.ca)];
    const files = { certFile, keyFile, caFile };
    expect(loadPeerTls(files)).toEqual(tls);
    const load = (changed: Partial<typeof files>) => () => loadPeerTls({ ...files, ...changed });
    expect(load({ caFile: join(folder, 'none') })).toThrow(/none cannot be read/);
    expect(load({ certFile: keyFile })).toThrow(/does not hold a certificate in PEM format/);
    expect(load({ keyFile: certFile })).toThrow(
      expect.objectContaining({ code: 'badRequest', field: 'peerTlsKey' }),
    );
    expect(load({ keyFile: file('other', foreign.key) })).toThrow(/is not the key of/);
    const old = await signedBy(ca, '127.0.0.1', new Date(Date.now() - 60_000));
    const expired = { certFile: file('old', old.cert), keyFile: file('old-key', old.private) };
    expect(load(expired)).toThrow(/expired on/);
  });
});
