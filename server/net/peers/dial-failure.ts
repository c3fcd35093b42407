const untrusted: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_SIGNATURE_FAILURE',
  'CERT_HAS_EXPIRED',
]);

const untaken = 'it does not take the certificate of this node; sign both with one authority';

/** Why a coordinator could not be reached, with the remedy where the error's own words hide it. */
export function dialFailure(error: NodeJS.ErrnoException, hasTls: boolean): string {
  const { code = '', message } = error;
  if (code === 'ECONNREFUSED') return 'nothing listens there';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'its name cannot be resolved';
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return 'its certificate is not for this host name';
  if (untrusted.has(code))
    return `its certificate is not valid under the authority of this cluster (${code})`;
  if (code === 'EPROTO' || code.startsWith('HPE_')) return 'one of both speaks TLS, and the other does not';
  if (code.startsWith('ERR_SSL') || message.includes('alert')) return untaken;
  if (code === 'ECONNRESET')
    return hasTls ? `it hung up; perhaps ${untaken}` : 'it hung up; perhaps it speaks TLS';
  return message || code || 'it refused the connection';
}
