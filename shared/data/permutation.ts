import { assert } from '../base/assert.ts';
import { mixSeed } from '../base/random.ts';

const roundCount = 6;

/** Source of `map` for a domain of `n` values: a seeded bijection on [0, n). */
export interface Permutation {
  readonly size: number;
  /** `value` and the result are integers in [0, size). */
  map(value: number): number;
}

/** The two low-latency multiplies of MurmurHash3's finalizer (Appleby 2011). */
function mix(value: number, key: number): number {
  let hash = value ^ key;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/**
 * A Feistel network over mixed radices with cycle walking (Black and Rogaway 2002, "Ciphers with arbitrary finite
 * domains"). Constant memory; the domain `left * right` exceeds `size` by less than `left`, so a walk hardly ever
 * takes a second step. For shuffling, not for secrets.
 * @param size in [1, 2^32]
 */
export function createPermutation(size: number, seed: number): Permutation {
  assert(Number.isInteger(size) && size >= 1 && size <= 0x100000000, 'a permutation has 1 to 2^32 values');
  const left = Math.ceil(Math.sqrt(size));
  const right = Math.ceil(size / left);
  const keys = Array.from({ length: roundCount }, (_, round) => mixSeed(seed, round));

  const encrypt = (value: number): number => {
    let high = Math.floor(value / right);
    let low = value % right;
    for (let round = 0; round < roundCount; round += 2) {
      high = (high + mix(low, keys[round]!)) % left;
      low = (low + mix(high, keys[round + 1]!)) % right;
    }
    return high * right + low;
  };

  return {
    size,
    map: (value) => {
      let mapped = encrypt(value);
      while (mapped >= size) mapped = encrypt(mapped);
      return mapped;
    },
  };
}
