import { chunkLength } from './chunks.ts';
import { counterHash, hashKey } from './counter-hash.ts';

/** Turns a 32-bit word into a fraction in [0, 1). */
const uint32Step = 1 / 0x100000000;

const identity = Uint16Array.from({ length: chunkLength }, (_, offset) => offset);

/**
 * `count` different offsets of a chunk, drawn from the seed: the beginning of a Fisher-Yates shuffle. The words of
 * chunk c are `counterHash(4096 c + draw, seed)`, so every chunk can be drawn alone.
 */
export function createRandomPositions(seed: number) {
  const { first, second } = hashKey(seed);
  const offsets = new Uint16Array(chunkLength);
  /** The drawn offsets come first, in the order of the draws. The same array every time. */
  return (chunk: number, length: number, count: number): Uint16Array => {
    offsets.set(identity);
    const base = chunk * chunkLength;
    for (let draw = 0; draw < count; draw++) {
      const fraction = counterHash(base + draw, first, second) * uint32Step;
      const other = draw + ((fraction * (length - draw)) | 0);
      const taken = offsets[other]!;
      offsets[other] = offsets[draw]!;
      offsets[draw] = taken;
    }
    return offsets;
  };
}
