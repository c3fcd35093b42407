import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';

export type PeerRole = 'dialer' | 'acceptor';

/** What a handshake was about: the bytes of Hello and Challenge, and with them both nonces and both identities. */
export interface Transcript {
  readonly hello: Uint8Array;
  readonly challenge: Uint8Array;
}

/** What both sides can compute if, and only if, they share the secret and, under TLS, the very connection. */
export interface HandshakeKeys {
  /** 32 bytes that only a holder can make, for this handshake and this role. */
  proof(role: PeerRole): Uint8Array;
  /** 32 bytes: seals the frames that `role` sends. */
  frameKey(role: PeerRole): Uint8Array;
}

/**
 * `channelBinding` is 32 bytes exported from the TLS connection (RFC 9266), empty without TLS: whoever sits in between
 * has another connection on either side, so proofs cannot be passed on.
 */
export function deriveKeys(
  secret: string,
  channelBinding: Uint8Array,
  transcript: Transcript,
): HandshakeKeys {
  const root = hmac(Buffer.from(secret), Buffer.from('gradswarm peer 1\0'), channelBinding);
  const about = [sha256(transcript.hello), sha256(transcript.challenge)];
  const derive = (purpose: string, role: PeerRole): Uint8Array =>
    hmac(root, Buffer.from(`${purpose} ${role}\0`), ...about);
  return {
    proof: (role) => derive('proof', role),
    frameKey: (role) => derive('frames', role),
  };
}

/** In constant time. */
export function isProof(offered: Uint8Array, expected: Uint8Array): boolean {
  return offered.length === expected.length && timingSafeEqual(offered, expected);
}

/** @throws GradswarmError `badRequest` when strangers could get in. */
export function checkSecret(secret: string, hasTls: boolean): void {
  if (secret === '' && hasTls) return;
  if (secret.length >= limits.peerSecretCharactersMin) return;
  const rule = `coordinators need a common secret of at least ${limits.peerSecretCharactersMin} characters`;
  const remedy = 'make one with `openssl rand -hex 32`, or give all of them certificates of one authority';
  throw new GradswarmError('badRequest', `${rule}; ${remedy}.`, 'secret');
}

function hmac(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const mac = createHmac('sha256', key);
  for (const part of parts) mac.update(part);
  return mac.digest();
}

function sha256(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest();
}
