import { assert } from '../base/assert.ts';

/**
 * What a worker's biased codec has left out so far (error feedback: Seide et al. 2014, Karimireddy et al. 2019), and
 * what becomes of it when an answer comes.
 *
 * Invariant: the carried vector is the fold, in the order of encoding, of the differences `update - decoded` of those
 * contributions that were counted or are still on their way. So it depends on which were counted, never on the order
 * of the answers, and a refusal leaves no trace.
 */
export interface Residual {
  /** `update` plus what is carried, which `decay` has shrunk. A buffer of the residual's own, good until the next call. */
  plus(update: Float32Array): Float32Array;
  /** A contribution left: `decoded` is what its receiver reads. The array becomes the residual's. */
  leave(update: Float32Array, decoded: Float32Array): Departure;
  /** An array for `leave`, of unspecified content. */
  array(): Float32Array;
  /** Sum of the squares of what is carried. */
  squaredNorm(): number;
}

export interface Departure {
  /** Idempotent; the first answer holds. */
  settle(isCounted: boolean): void;
}

interface Entry {
  readonly difference: Float32Array;
  isCounted: boolean;
}

/** @param decay what one encoding leaves of the carried values: 1 for error feedback, less for a momentum */
export function createResidual(length: number, decay = 1): Residual {
  const sum = new Float32Array(length);
  /** Fold of the entries that are done, up to the oldest that is not. */
  let settled: Float32Array | undefined;
  const entries: Entry[] = [];
  const spare: Float32Array[] = [];

  const fold = (target: Float32Array): void => {
    if (settled) target.set(settled);
    else target.fill(0);
    for (const { difference } of entries) advance(target, difference, decay);
  };

  const settleOldest = (): void => {
    while (entries[0]?.isCounted) {
      const { difference } = entries.shift() as Entry;
      if (settled) {
        advance(settled, difference, decay);
        spare.push(difference);
      } else {
        // Adding zero also turns a negative zero into the zero that the fold gives.
        for (let index = 0; index < length; index++) difference[index]! += 0;
        settled = difference;
      }
    }
  };

  return {
    plus(update) {
      assert(update.length === length, 'an update has the length of its residual');
      fold(sum);
      advance(sum, update, decay);
      return sum;
    },
    leave(update, decoded) {
      assert(decoded.length === length, 'a decoded update has the length of its residual');
      for (let index = 0; index < length; index++) decoded[index] = update[index]! - decoded[index]!;
      const entry: Entry = { difference: decoded, isCounted: false };
      entries.push(entry);
      let isOpen = true;
      return {
        settle(isCounted) {
          if (!isOpen) return;
          isOpen = false;
          if (isCounted) entry.isCounted = true;
          else {
            entries.splice(entries.indexOf(entry), 1);
            spare.push(entry.difference);
          }
          settleOldest();
        },
      };
    },
    array: () => spare.pop() ?? new Float32Array(length),
    squaredNorm() {
      fold(sum);
      let squares = 0;
      for (let index = 0; index < length; index++) squares += sum[index]! * sum[index]!;
      return squares;
    },
  };
}

function advance(carried: Float32Array, difference: Float32Array, decay: number): void {
  for (let index = 0; index < carried.length; index++) {
    carried[index] = decay * carried[index]! + difference[index]!;
  }
}
