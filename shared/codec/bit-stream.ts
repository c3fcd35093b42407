/** Unsigned integers of any width up to 16 bits, one after the other, lowest bit first. */
export interface BitWriter {
  write(value: number, bits: number): void;
}

/** Over zeroed bytes. */
export function createBitWriter(bytes: Uint8Array): BitWriter {
  let position = 0;
  return {
    write(value, bits) {
      const byte = position >>> 3;
      const shifted = value << (position & 7);
      bytes[byte]! |= shifted;
      if (bits + (position & 7) > 8) bytes[byte + 1]! |= shifted >>> 8;
      if (bits + (position & 7) > 16) bytes[byte + 2]! |= shifted >>> 16;
      position += bits;
    },
  };
}

export interface BitReader {
  read(bits: number): number;
  /** Whether all bits of the last byte that were not read are zero. */
  restIsZero(): boolean;
}

export function createBitReader(bytes: Uint8Array): BitReader {
  let position = 0;
  return {
    read(bits) {
      const byte = position >>> 3;
      const word = bytes[byte]! | ((bytes[byte + 1] ?? 0) << 8) | ((bytes[byte + 2] ?? 0) << 16);
      const value = (word >>> (position & 7)) & ((1 << bits) - 1);
      position += bits;
      return value;
    },
    restIsZero: () => (position & 7) === 0 || bytes[position >>> 3]! >>> (position & 7) === 0,
  };
}
