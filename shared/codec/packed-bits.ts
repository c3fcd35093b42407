/** Bytes of `count` 12-bit numbers: two of them in three bytes, the lowest bits first. */
export const packed12Bytes = (count: number): number => (3 * count + 1) >>> 1;

/** Writes the first `count` of `numbers`, each under 4,096. */
export function pack12(numbers: Uint16Array, count: number, bytes: Uint8Array, at: number): void {
  let to = at;
  let index = 0;
  for (; index + 2 <= count; index += 2, to += 3) {
    const first = numbers[index]!;
    const second = numbers[index + 1]!;
    bytes[to] = first & 0xff;
    bytes[to + 1] = (first >>> 8) | ((second & 0xf) << 4);
    bytes[to + 2] = second >>> 4;
  }
  if (index < count) {
    bytes[to] = numbers[index]! & 0xff;
    bytes[to + 1] = numbers[index]! >>> 8;
  }
}

/** Reads `count` numbers. Returns false when the half byte after an odd count is not zero. */
export function unpack12(bytes: Uint8Array, at: number, numbers: Uint16Array, count: number): boolean {
  let from = at;
  let index = 0;
  for (; index + 2 <= count; index += 2, from += 3) {
    const middle = bytes[from + 1]!;
    numbers[index] = bytes[from]! | ((middle & 0xf) << 8);
    numbers[index + 1] = (middle >>> 4) | (bytes[from + 2]! << 4);
  }
  if (index === count) return true;
  const last = bytes[from + 1]!;
  numbers[index] = bytes[from]! | ((last & 0xf) << 8);
  return last >>> 4 === 0;
}

/** Bytes of `count` codes of 2, 4 or 8 bits, the lowest bits first. */
export const packedBytes = (count: number, bits: number): number => (count * bits + 7) >>> 3;

/** `bytes` are zero before. */
export function packCodes(
  codes: Uint8Array,
  count: number,
  bits: number,
  bytes: Uint8Array,
  at: number,
): void {
  for (let index = 0, bit = 0; index < count; index++, bit += bits) {
    bytes[at + (bit >>> 3)]! |= codes[index]! << (bit & 7);
  }
}

/** Returns false when bits after the last code are not zero. */
export function unpackCodes(
  bytes: Uint8Array,
  at: number,
  bits: number,
  codes: Uint8Array,
  count: number,
): boolean {
  const mask = (1 << bits) - 1;
  let bit = 0;
  for (let index = 0; index < count; index++, bit += bits) {
    codes[index] = (bytes[at + (bit >>> 3)]! >>> (bit & 7)) & mask;
  }
  return (bit & 7) === 0 || bytes[at + (bit >>> 3)]! >>> (bit & 7) === 0;
}
