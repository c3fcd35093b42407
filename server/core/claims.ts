import type { BlobHash } from '../../shared/base/ids.ts';

/**
 * Blobs that are on the disk for a command that is not applied yet: somebody counts on this copy, so it is not removed,
 * although no job names it. Every time a blob is stored for a command is a claim; the command, applied or refused,
 * takes it back.
 *
 * A command that never comes leaves its claim behind. It is void when an entry of a later epoch is applied: what the
 * earlier leader proposed is in the log before that entry, or never will be. Time plays no part in it.
 *
 * A command may come before its blob, to a coordinator that was not needed for the majority. Such debts are
 * remembered, so that the blob is not taken for the claim of another command with the same bytes.
 */
export interface Claims {
  /** The highest epoch of which an entry was applied. */
  readonly appliedEpoch: number;
  /** `epoch` is that of the leader that will propose the command. False when the command was there first. */
  add(hash: BlobHash, epoch: number): boolean;
  /** A command that names the blob was applied or refused, or will never be proposed. */
  settle(hash: BlobHash): void;
  has(hash: BlobHash): boolean;
  /** An entry of this epoch is applied. Returns the blobs whose claims are void now. */
  reach(epoch: number): readonly BlobHash[];
  /** The blob is gone. */
  forget(hash: BlobHash): void;
}

interface Balance {
  epoch: number;
  /** Claims less debts. */
  count: number;
}

export function createClaims(): Claims {
  const balances = new Map<BlobHash, Balance>();
  let appliedEpoch = 0;

  const change = (hash: BlobHash, by: number, epoch: number): number => {
    const balance = balances.get(hash) ?? { epoch, count: 0 };
    balance.epoch = Math.max(balance.epoch, epoch);
    balance.count += by;
    if (balance.count === 0) balances.delete(hash);
    else balances.set(hash, balance);
    return balance.count;
  };

  return {
    get appliedEpoch() {
      return appliedEpoch;
    },
    add: (hash, epoch) => change(hash, 1, epoch) > 0,
    settle(hash) {
      change(hash, -1, appliedEpoch);
    },
    has: (hash) => (balances.get(hash)?.count ?? 0) > 0,
    reach(epoch) {
      if (epoch <= appliedEpoch) return [];
      appliedEpoch = epoch;
      const ended: BlobHash[] = [];
      for (const [hash, balance] of balances) {
        if (balance.epoch >= epoch) continue;
        balances.delete(hash);
        if (balance.count > 0) ended.push(hash);
      }
      return ended;
    },
    forget(hash) {
      balances.delete(hash);
    },
  };
}
