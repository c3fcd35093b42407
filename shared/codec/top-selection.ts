import { chunkLength } from './chunks.ts';
import { notFinite } from './finite.ts';

/** Exponent and three bits of mantissa: bins an eighth of an octave or so wide. */
const binShift = 20;
const bins = 1 << (31 - binShift);
/** Magnitudes from here on are infinities and NaN. */
const infinityBits = 0x7f800000;

/** Bins by which the floor of one chunk is lowered to be the guess for the next: a quarter of an octave. */
const guessBins = 2;

/**
 * Finds the `k` largest magnitudes of a chunk without sorting it: a histogram of their leading bits gives a floor that
 * few others reach, and only those in the floor's own bin are compared exactly. Of equal magnitudes the earlier wins.
 * Neighbouring chunks are much alike, so first a guess from the one before narrows a chunk down in a single pass; only
 * where too few reach it the histogram is of the whole chunk. What is selected does not depend on the guess.
 */
export interface TopSelection {
  /** Offsets in the chunk of what was selected, ascending: the first `min(k, end - start)`. Overwritten by `select`. */
  readonly offsets: Uint16Array;
  /**
   * Selects among the float32 `words` from `start` to `end`, one chunk at most. Returns how many are selected.
   * @throws GradswarmError `notFinite`.
   */
  select(words: Int32Array, start: number, end: number, k: number): number;
}

export function createTopSelection(): TopSelection {
  const counts = new Uint32Array(bins);
  const offsets = new Uint16Array(chunkLength);
  const ties = new Int32Array(chunkLength);
  let guess = infinityBits;

  /** Fills `offsets` with every value that reaches the floor, and returns their number. */
  const collect = (words: Int32Array, start: number, end: number, floor: number): number => {
    const below = floor - 1;
    let found = 0;
    let index = start;
    // Without branches: what does not reach the floor is overwritten by the next.
    for (; index + 4 <= end; index += 4) {
      const offset = index - start;
      offsets[found] = offset;
      found += (below - (words[index]! & 0x7fffffff)) >>> 31;
      offsets[found] = offset + 1;
      found += (below - (words[index + 1]! & 0x7fffffff)) >>> 31;
      offsets[found] = offset + 2;
      found += (below - (words[index + 2]! & 0x7fffffff)) >>> 31;
      offsets[found] = offset + 3;
      found += (below - (words[index + 3]! & 0x7fffffff)) >>> 31;
    }
    for (; index < end; index++) {
      offsets[found] = index - start;
      found += (below - (words[index]! & 0x7fffffff)) >>> 31;
    }
    return found;
  };

  /** The highest bin's floor that `k` of the first `found` offsets reach. @throws GradswarmError `notFinite`. */
  const floorOf = (words: Int32Array, start: number, found: number, k: number): number => {
    counts.fill(0);
    let largest = 0;
    for (let at = 0; at < found; at++) {
      const magnitude = words[start + offsets[at]!]! & 0x7fffffff;
      if (magnitude > largest) largest = magnitude;
      counts[magnitude >>> binShift]!++;
    }
    if (largest >= infinityBits) throw notFinite();
    let bin = largest >>> binShift;
    let reached = counts[bin]!;
    while (reached < k) reached += counts[--bin]!;
    return bin << binShift;
  };

  /** Keeps the `k` largest of the first `found` offsets, of which at least `k` reach the floor's bin or a higher one. */
  const narrow = (words: Int32Array, start: number, found: number, k: number, floor: number): void => {
    const above = floor + (1 << binShift);
    let tied = 0;
    let greater = 0;
    for (let at = 0; at < found; at++) {
      const magnitude = words[start + offsets[at]!]! & 0x7fffffff;
      if (magnitude >= above) greater++;
      else if (magnitude >= floor) ties[tied++] = magnitude;
    }
    const sorted = ties.subarray(0, tied).sort();
    const least = sorted[greater + tied - k]!;
    for (let at = greater + tied - k; at < tied; at++) if (sorted[at]! > least) greater++;
    // Of those equal to the least one that stays, this many stay.
    let equalLeft = k - greater;
    let kept = 0;
    for (let at = 0; at < found; at++) {
      const offset = offsets[at]!;
      const magnitude = words[start + offset]! & 0x7fffffff;
      if (magnitude < least || (magnitude === least && equalLeft-- <= 0)) continue;
      offsets[kept++] = offset;
    }
  };

  return {
    offsets,
    select(words, start, end, k) {
      const wanted = Math.min(k, end - start);
      let found = collect(words, start, end, guess);
      if (found < wanted) found = collect(words, start, end, 0);
      // Infinities and NaN reach every floor, so the histogram meets them.
      const floor = floorOf(words, start, found, wanted);
      guess = Math.max(0, floor - (guessBins << binShift));
      if (found > wanted) narrow(words, start, found, wanted, floor);
      return wanted;
    },
  };
}
