/**
 * A seeded generator (SplitMix32 seeding xoshiro128**, Blackman and Vigna 2018). Same seed, same numbers on every
 * engine: only 32-bit integer operations are used. Not for secrets.
 */
export interface Random {
  /** Uniform integer in [0, 2^32). */
  uint32(): number;
  /** Uniform double in [0, 1), a multiple of 2^-53. */
  unit(): number;
  /** Uniform integer in [0, bound), without modulo bias. `bound` in [1, 2^32]. */
  below(bound: number): number;
  /** An independent generator named by `label`; the parent's own sequence does not move. */
  fork(label: string): Random;
}

function splitMix32(state: number): number {
  let z = (state + 0x9e3779b9) | 0;
  z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return (z ^ (z >>> 16)) >>> 0;
}

/** FNV-1a over UTF-16 code units, started from `basis`. */
export function hashText(text: string, basis = 0x811c9dc5): number {
  let hash = basis | 0;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0;
}

/** Mixes integers into one 32-bit seed; order matters. */
export function mixSeed(...parts: readonly number[]): number {
  let seed = 0x6a09e667;
  for (const part of parts) seed = splitMix32(seed ^ splitMix32(part | 0));
  return seed;
}

export function createRandom(seed: number): Random {
  let a = splitMix32(seed);
  let b = splitMix32(a ^ 0x243f6a88);
  let c = splitMix32(b ^ 0x85a308d3);
  let d = splitMix32(c ^ 0x13198a2e) | 1;
  const uint32 = (): number => {
    const scrambled = Math.imul(b, 5);
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
    return result;
  };
  const below = (bound: number): number => {
    const limit = 0x100000000 - (0x100000000 % bound);
    let value = uint32();
    while (value >= limit) value = uint32();
    return value % bound;
  };
  return {
    uint32,
    unit: () => (uint32() * 0x200000 + (uint32() >>> 11)) / 0x20000000000000,
    below,
    fork: (label) => createRandom(hashText(label, seed)),
  };
}
