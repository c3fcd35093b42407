import { createHash } from 'node:crypto';
import { limits } from '../../shared/base/limits.ts';
import { floatsOf } from '../../shared/tensor/bytes.ts';

/**
 * A vector as a blob: little-endian float32, then the SHA-256 of whose it is. So blobs of two jobs, rounds or versions
 * differ even where their values are the same, and one can be removed without a look at the others.
 */
export interface VectorBlob {
  /** All of it. */
  readonly bytes: Uint8Array;
  /** A view of the vector in it, to be written. */
  readonly values: Float32Array;
}

export function createVectorBlob(length: number, owner: string): VectorBlob {
  const buffer = new ArrayBuffer(4 * length + limits.vectorSealBytes);
  const bytes = new Uint8Array(buffer);
  bytes.set(sealOf(owner), 4 * length);
  return { bytes, values: new Float32Array(buffer, 0, length) };
}

/** The vector, or undefined when the blob is of another length or owner. Blobs of earlier versions have no seal. */
export function readVectorBlob(bytes: Uint8Array, length: number, owner: string): Float32Array | undefined {
  const isSealed = bytes.byteLength === 4 * length + limits.vectorSealBytes;
  if (!isSealed && bytes.byteLength !== 4 * length) return undefined;
  if (isSealed && Buffer.compare(bytes.subarray(4 * length), sealOf(owner)) !== 0) return undefined;
  return floatsOf(bytes.subarray(0, 4 * length));
}

function sealOf(owner: string): Uint8Array {
  return createHash('sha256').update(owner).digest();
}
