import { createHash } from 'node:crypto';
import { asBlobHash, type BlobHash } from '../../../shared/base/ids.ts';
import { bytesOf } from '../../../shared/tensor/bytes.ts';

/** SHA-256 of the little-endian bytes of a vector. */
export function parametersHashOf(values: Float32Array): BlobHash {
  return asBlobHash(createHash('sha256').update(bytesOf(values)).digest('hex'));
}
