import { GradswarmError } from '../../shared/base/errors.ts';
import type { BlobHash } from '../../shared/base/ids.ts';
import type { BlobStore } from '../runtime/ports.ts';
import { sha256 } from './blob-store.ts';

/** The blob store's twin for tests and simulations. */
export function createMemoryBlobStore(): BlobStore {
  const blobs = new Map<BlobHash, Uint8Array>();
  return {
    put: (bytes) => {
      const hash = sha256(bytes);
      if (!blobs.has(hash)) blobs.set(hash, bytes.slice());
      return hash;
    },
    has: (hash) => blobs.has(hash),
    get: (hash) => {
      const bytes = blobs.get(hash);
      if (!bytes) throw new GradswarmError('notFound', `No blob ${hash} is stored.`);
      return bytes.slice();
    },
    size: (hash) => blobs.get(hash)?.length,
    delete: (hash) => {
      blobs.delete(hash);
    },
    list: () => [...blobs.keys()].sort(),
  };
}
