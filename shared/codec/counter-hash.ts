import { mixSeed } from '../base/random.ts';

/** Two signed words of key, derived once per vector. */
export interface HashKey {
  readonly first: number;
  readonly second: number;
}

export function hashKey(seed: number): HashKey {
  return { first: mixSeed(seed, 1) | 0, second: mixSeed(seed, 2) | 0 };
}

/**
 * A uniform 32-bit word for position `index`: stateless, so that any part of a vector can be encoded alone.
 * A Weyl step, then the two multiply-and-shift rounds of C. Wellons, "Prospecting for hash functions" (constants
 * 21f0aaad/d35a2d97), with the second key word between them so that two seeds do not give shifted copies.
 */
export function counterHash(index: number, first: number, second: number): number {
  let word = (Math.imul(index, 0x9e3779b9) + first) | 0;
  word = Math.imul(word ^ (word >>> 16), 0x21f0aaad) ^ second;
  word = Math.imul(word ^ (word >>> 15), 0xd35a2d97);
  return (word ^ (word >>> 15)) >>> 0;
}
