import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';

/** Lower-case hexadecimal SHA-256. The bytes are read before the call returns, so they may change afterwards. */
export type Sha256 = (bytes: Uint8Array) => Promise<string>;

/**
 * `crypto.subtle` hashes off the thread, but browsers give it to secure contexts only; elsewhere the hash is computed
 * here.
 */
export const platformSha256: Sha256 = globalThis.crypto?.subtle ? subtleSha256 : portableSha256;

export async function subtleSha256(bytes: Uint8Array): Promise<string> {
  return bytesToHex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)));
}

export async function portableSha256(bytes: Uint8Array): Promise<string> {
  return bytesToHex(sha256(bytes));
}
