import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type ConnectionOptions, checkServerIdentity, rootCertificates } from 'node:tls';
import { GradswarmError } from '../../shared/base/errors.ts';

/** TLS options of connections that trust certificates besides those of the well-known authorities. */
export type TlsTrust = Pick<ConnectionOptions, 'ca' | 'allowPartialTrustChain' | 'checkServerIdentity'>;

const pemPattern = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * Trust in the certificates of a PEM file: a coordinator's own, which is then right under whatever name it is reached,
 * or an authority's, whose certificates must name the host as always.
 * @throws GradswarmError `badRequest` for a file without a certificate.
 */
export function readTlsTrust(file: string): TlsTrust {
  const certificates = readCertificates(file);
  const fingerprints = new Set(certificates.map(({ fingerprint256 }) => fingerprint256));
  return {
    ca: [...rootCertificates, ...certificates.map(String)],
    // A leaf that an authority signed is trusted by itself too.
    allowPartialTrustChain: true,
    checkServerIdentity: (host, certificate) =>
      fingerprints.has(certificate.fingerprint256) ? undefined : checkServerIdentity(host, certificate),
  };
}

function readCertificates(file: string): readonly X509Certificate[] {
  try {
    const certificates = readFileSync(file, 'utf8').match(pemPattern) ?? [];
    if (certificates.length === 0) throw new Error('it holds no certificate in PEM format');
    return certificates.map((pem) => new X509Certificate(pem));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new GradswarmError('badRequest', `${file} cannot be used: ${reason}`, '--ca');
  }
}
