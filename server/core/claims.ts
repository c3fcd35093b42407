import type { BlobHash } from '../../shared/base/ids.ts';

/**
 * Blobs that are on the disk for a command that is not applied yet: somebody counts on this copy, so it is not removed,
 * although no job names it.
 *
 * A command that never comes leaves its claims behind. They are void when an entry of a later epoch is applied: what the
 * earlier leader proposed is in the log before that entry, or never will be. Time plays no part in it.
 */
export interface Claims {
  /** The highest epoch of which an entry was applied. */
  readonly appliedEpoch: number;
  /** `epoch` is that of the leader that will propose the command. */
  add(hash: BlobHash, epoch: number): void;
  has(hash: BlobHash): boolean;
  /** The command was applied, or will never be proposed. */
  settle(hash: BlobHash): void;
  /** An entry of this epoch is applied. Returns the blobs whose claims are void now. */
  reach(epoch: number): readonly BlobHash[];
}

export function createClaims(): Claims {
  const epochs = new Map<BlobHash, number>();
  let appliedEpoch = 0;
  return {
    get appliedEpoch() {
      return appliedEpoch;
    },
    add(hash, epoch) {
      epochs.set(hash, Math.max(epoch, epochs.get(hash) ?? epoch));
    },
    has: (hash) => epochs.has(hash),
    settle(hash) {
      epochs.delete(hash);
    },
    reach(epoch) {
      if (epoch <= appliedEpoch) return [];
      appliedEpoch = epoch;
      const ended: BlobHash[] = [];
      for (const [hash, claimed] of epochs) if (claimed < epoch) ended.push(hash);
      for (const hash of ended) epochs.delete(hash);
      return ended;
    },
  };
}
