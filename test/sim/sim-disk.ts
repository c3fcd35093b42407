import type { BlobStore } from '../../server/runtime/ports.ts';
import { createMemoryBlobStore } from '../../server/storage/memory-blob-store.ts';
import { GradswarmError } from '../../shared/base/errors.ts';
import type { BlobHash } from '../../shared/base/ids.ts';

/** A blob store that survives crashes and whose blobs decay or vanish where the world wants it. */
export class SimDisk implements BlobStore {
  /** Taken by a fault while they were named; until they are here again. */
  readonly destroyed = new Set<BlobHash>();
  private readonly blobs = createMemoryBlobStore();
  private readonly damaged = new Set<BlobHash>();

  put(bytes: Uint8Array): BlobHash {
    const hash = this.blobs.put(bytes);
    this.destroyed.delete(hash);
    return hash;
  }

  has(hash: BlobHash): boolean {
    return this.blobs.has(hash);
  }

  get(hash: BlobHash): Uint8Array {
    if (this.damaged.has(hash)) throw new GradswarmError('corrupted', `Blob ${hash} is damaged.`);
    return this.blobs.get(hash);
  }

  size(hash: BlobHash): number | undefined {
    return this.blobs.size(hash);
  }

  delete(hash: BlobHash): void {
    this.blobs.delete(hash);
    this.damaged.delete(hash);
  }

  list(): BlobHash[] {
    return this.blobs.list();
  }

  holdsIntact(hash: BlobHash): boolean {
    return this.has(hash) && !this.damaged.has(hash);
  }

  /** A file is lost, or its bytes change. */
  destroy(hash: BlobHash, isVisible: boolean): void {
    if (!this.has(hash)) return;
    this.destroyed.add(hash);
    if (isVisible) this.delete(hash);
    else this.damaged.add(hash);
  }
}
