import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { TLSSocket } from 'node:tls';
import { GradswarmError } from '../../../shared/base/errors.ts';

/** PEM texts. Both sides show a certificate, and take only one that the authority `ca` signed. */
export interface PeerTls {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** What both directions of TLS between coordinators share. */
export function tlsOptions({ cert, key, ca }: PeerTls) {
  return { cert, key, ca, minVersion: 'TLSv1.3' as const };
}

/** @throws GradswarmError `badRequest` naming the file at fault. */
export function loadPeerTls(files: {
  readonly certFile: string;
  readonly keyFile: string;
  readonly caFile: string;
}): PeerTls {
  const { certFile, keyFile, caFile } = files;
  const [cert, key, ca] = [
    read(certFile, 'peerTlsCert'),
    read(keyFile, 'peerTlsKey'),
    read(caFile, 'peerTlsCa'),
  ];
  const certificate = parse(() => new X509Certificate(cert), certFile, 'peerTlsCert', 'a certificate');
  parse(() => new X509Certificate(ca), caFile, 'peerTlsCa', 'a certificate');
  const privateKey = parse(
    () => createPrivateKey(key),
    keyFile,
    'peerTlsKey',
    'a private key without passphrase',
  );
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new GradswarmError('badRequest', `${keyFile} is not the key of ${certFile}`, 'peerTlsKey');
  }
  if (Date.parse(certificate.validTo) < Date.now()) {
    const remedy = `it expired on ${certificate.validTo}; renew it`;
    throw new GradswarmError('badRequest', `${certFile}: ${remedy}`, 'peerTlsCert');
  }
  return { cert, key, ca };
}

/** 32 bytes that only the two ends of this very connection share (RFC 9266); none without TLS. */
export function channelBindingOf(socket: object): Uint8Array {
  if (!('exportKeyingMaterial' in socket)) return new Uint8Array(0);
  return (socket as TLSSocket).exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0));
}

function read(file: string, field: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new GradswarmError('badRequest', `${file} cannot be read: ${reason}`, field);
  }
}

function parse<Parsed>(make: () => Parsed, file: string, field: string, what: string): Parsed {
  try {
    return make();
  } catch {
    throw new GradswarmError('badRequest', `${file} does not hold ${what} in PEM format`, field);
  }
}
