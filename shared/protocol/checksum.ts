/** CRC-32 (IEEE 802.3) of `bytes`, continued from `previous`: the same bits as `zlib.crc32(bytes, previous)`. */
export type Checksum = (bytes: Uint8Array, previous?: number) => number;

const slices = 8;
const polynomial = 0xedb88320;

/** `tables[slice * 256 + byte]`: the effect of `byte` after `slice` further zero bytes. */
function createTables(): Uint32Array {
  const tables = new Uint32Array(slices * 256);
  for (let byte = 0; byte < 256; byte++) {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ polynomial : value >>> 1;
    tables[byte] = value;
  }
  for (let index = 256; index < tables.length; index++) {
    const previous = tables[index - 256]!;
    tables[index] = (previous >>> 8) ^ tables[previous & 0xff]!;
  }
  return tables;
}

const tables = createTables();

/**
 * Slicing by eight: Kounavis and Berry, "A systematic approach to building high performance, software-based, CRC
 * generators" (2005). For browsers; Node brings `zlib.crc32`, which is faster.
 */
export const crc32: Checksum = (bytes, previous = 0) => {
  let crc = ~previous;
  let index = 0;
  for (const end = bytes.length - (slices - 1); index < end; index += slices) {
    crc ^= bytes[index]! | (bytes[index + 1]! << 8) | (bytes[index + 2]! << 16) | (bytes[index + 3]! << 24);
    crc =
      tables[0x700 + (crc & 0xff)]! ^
      tables[0x600 + ((crc >>> 8) & 0xff)]! ^
      tables[0x500 + ((crc >>> 16) & 0xff)]! ^
      tables[0x400 + (crc >>> 24)]! ^
      tables[0x300 + bytes[index + 4]!]! ^
      tables[0x200 + bytes[index + 5]!]! ^
      tables[0x100 + bytes[index + 6]!]! ^
      tables[bytes[index + 7]!]!;
  }
  for (; index < bytes.length; index++) crc = (crc >>> 8) ^ tables[(crc ^ bytes[index]!) & 0xff]!;
  return ~crc >>> 0;
};
