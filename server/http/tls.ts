import { createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import { GradswarmError } from '../../shared/base/errors.ts';

export interface TlsIdentity {
  readonly cert: string;
  readonly key: string;
  /** Where `cert` was read from. */
  readonly certFile: string;
  /** SHA-256 of the certificate, as browsers show it. */
  readonly fingerprint: string;
}

const validityDays = 397;
const renewDays = 30;
const dayMs = 86_400_000;

/** @throws GradswarmError `badRequest` naming the file at fault and what to do. */
export async function loadTls(certFile: string, keyFile: string): Promise<TlsIdentity> {
  const cert = await readPem(certFile, 'tlsCert');
  const key = await readPem(keyFile, 'tlsKey');
  const certificate = parse(() => new X509Certificate(cert), certFile, 'tlsCert', 'a certificate');
  const privateKey = parse(
    () => createPrivateKey(key),
    keyFile,
    'tlsKey',
    'a private key without passphrase',
  );
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new GradswarmError('badRequest', `${keyFile} is not the key of ${certFile}`, 'tlsKey');
  }
  if (Date.parse(certificate.validTo) < Date.now()) {
    throw new GradswarmError(
      'badRequest',
      `${certFile} expired on ${certificate.validTo}; renew it`,
      'tlsCert',
    );
  }
  return { cert, key, certFile, fingerprint: certificate.fingerprint256 };
}

/** The certificate kept in `folder`, made anew when there is none, it is about to expire, or the machine's names changed. */
export async function selfSignedTls(folder: string): Promise<TlsIdentity> {
  const certFile = join(folder, 'self-signed-cert.pem');
  const keyFile = join(folder, 'self-signed-key.pem');
  const names = machineNames();
  if (existsSync(certFile) && existsSync(keyFile)) {
    const kept = await loadTls(certFile, keyFile).catch(() => undefined);
    if (kept && isUsable(kept.cert, names)) return kept;
  }
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'gradswarm' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notAfterDate: new Date(Date.now() + validityDays * dayMs),
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'keyUsage', digitalSignature: true },
      { name: 'extKeyUsage', serverAuth: true },
      { name: 'subjectAltName', altNames: names.map(toAltName) },
    ],
  });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(keyFile, key, { mode: 0o600 });
  await writeFile(certFile, cert);
  return loadTls(certFile, keyFile);
}

type MachineName = { readonly kind: 'dns' | 'ip'; readonly value: string };

function machineNames(): readonly MachineName[] {
  const addresses = Object.values(networkInterfaces())
    .flatMap((entries) => entries ?? [])
    .filter(({ address }) => !address.startsWith('fe80'))
    .map(({ address }): MachineName => ({ kind: 'ip', value: address }));
  return [{ kind: 'dns', value: 'localhost' }, { kind: 'dns', value: hostname() }, ...addresses];
}

function toAltName({ kind, value }: MachineName): { type: 2; value: string } | { type: 7; ip: string } {
  return kind === 'dns' ? { type: 2, value } : { type: 7, ip: value };
}

function isUsable(cert: string, names: readonly MachineName[]): boolean {
  const certificate = new X509Certificate(cert);
  const isFresh = Date.parse(certificate.validTo) - Date.now() > renewDays * dayMs;
  const covers = ({ kind, value }: MachineName): boolean =>
    (kind === 'dns' ? certificate.checkHost(value) : certificate.checkIP(value)) !== undefined;
  return isFresh && names.every(covers);
}

async function readPem(file: string, field: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new GradswarmError('badRequest', `${file} cannot be read: ${reason}`, field);
  }
}

function parse<Parsed>(read: () => Parsed, file: string, field: string, what: string): Parsed {
  try {
    return read();
  } catch {
    throw new GradswarmError('badRequest', `${file} does not hold ${what} in PEM format`, field);
  }
}
