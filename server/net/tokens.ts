import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { GradswarmError } from '../../shared/base/errors.ts';
import { asBlobHash, type BlobHash } from '../../shared/base/ids.ts';
import type { TokenRecord } from '../core/replicated-state.ts';

const prefix = 'gs_';
const tokenBytes = 32;
const tokenPattern = /^gs_[A-Za-z0-9_-]{43}$/;

/** 256 random bits; the prefix lets secret scanners find leaked ones. */
export function createTokenText(): string {
  return prefix + randomBytes(tokenBytes).toString('base64url');
}

/** What is stored of a token. Its 256 bits cannot be guessed, so a slow hash would add nothing. */
export function hashToken(text: string): BlobHash {
  return asBlobHash(createHash('sha256').update(text).digest('hex'));
}

/**
 * Looks at every record whatever it finds, so that the time taken tells nothing.
 * @throws GradswarmError `unauthenticated`.
 */
export function verifyToken(text: string, records: Iterable<TokenRecord>): TokenRecord {
  if (!tokenPattern.test(text)) {
    throw new GradswarmError('unauthenticated', 'a token begins with gs_ and has 46 characters', 'token');
  }
  const hash = Buffer.from(hashToken(text));
  let found: TokenRecord | undefined;
  for (const record of records) {
    if (timingSafeEqual(Buffer.from(record.tokenHash), hash)) found = record;
  }
  if (found) return found;
  throw new GradswarmError('unauthenticated', 'the token is unknown or was revoked; ask an admin', 'token');
}
