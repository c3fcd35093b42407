import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { asBlobHash, type BlobHash } from '../../../shared/base/ids.ts';
import { limits } from '../../../shared/base/limits.ts';

/** SHA-256, in slices between which other work of this thread gets its turn. `bytes` must not change meanwhile. */
export async function hashInSlices(bytes: Uint8Array): Promise<BlobHash> {
  const hash = createHash('sha256');
  for (let offset = 0; offset < bytes.length; offset += limits.hashSliceBytes) {
    if (offset > 0) await setImmediate();
    hash.update(bytes.subarray(offset, offset + limits.hashSliceBytes));
  }
  return asBlobHash(hash.digest('hex'));
}
