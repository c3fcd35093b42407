import { chunkLength } from './chunks.ts';
import { notFinite } from './finite.ts';

/** Exponent and three bits of mantissa: bins an eighth of an octave or so wide. */
const binShift = 20;
const bins = 1 << (31 - binShift);
/** Magnitudes from here on are infinities and NaN. */
const infinityBits = 0x7f800000;

/**
 * Finds the `k` largest magnitudes of a chunk without sorting it: a histogram of their leading bits gives a floor that
 * few others reach, and only those in the floor's own bin are compared exactly. Of equal magnitudes the earlier wins.
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

  /** Keeps the `k` largest of the first `found` offsets; all that is superfluous lies in the floor's bin. */
  const narrow = (words: Int32Array, start: number, found: number, k: number, floor: number): void => {
    const above = floor + (1 << binShift);
    let tied = 0;
    for (let at = 0; at < found; at++) {
      const magnitude = words[start + offsets[at]!]! & 0x7fffffff;
      if (magnitude < above) ties[tied++] = magnitude;
    }
    const sorted = ties.subarray(0, tied).sort();
    const least = sorted[found - k]!;
    let greater = found - tied;
    for (let at = found - k; at < tied; at++) if (sorted[at]! > least) greater++;
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
      counts.fill(0);
      let largest = 0;
      for (let index = start; index < end; index++) {
        const magnitude = words[index]! & 0x7fffffff;
        if (magnitude > largest) largest = magnitude;
        counts[magnitude >>> binShift]!++;
      }
      if (largest >= infinityBits) throw notFinite();
      const wanted = Math.min(k, end - start);
      let bin = largest >>> binShift;
      let reached = counts[bin]!;
      while (reached < wanted) reached += counts[--bin]!;
      const floor = bin << binShift;
      const found = collect(words, start, end, floor);
      if (found > wanted) narrow(words, start, found, wanted, floor);
      return wanted;
    },
  };
}
