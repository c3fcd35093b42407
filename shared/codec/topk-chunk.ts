import { malformed } from './finite.ts';
import { pack12, packCodes, packed12Bytes, packedBytes, unpack12, unpackCodes } from './packed-bits.ts';
import { checkZeroScale, zeroScales } from './zero-scale.ts';

/**
 * The bytes of one chunk: scale byte, `k` offsets of 12 bits, `k` codes of `valueBits` bits, each part filled up with
 * zero bits to whole bytes. Offsets ascend. A chunk with fewer entries than `k` ends with offsets and codes of zero,
 * which no entry but the first can have; one whose scale byte is 0 has none. A code's top bit is the sign, the rest one
 * less than the magnitude in steps of the scale.
 */
export interface TopkChunk {
  readonly offsets: Uint16Array;
  readonly codes: Uint8Array;
  /** Entries in use; set by `read`, asked for by `write`. */
  count: number;
  scaleByte: number;
}

export interface TopkFormat {
  readonly k: number;
  readonly valueBits: number;
}

export function topkChunkBytes({ k, valueBits }: TopkFormat): number {
  return 1 + packed12Bytes(k) + packedBytes(k, valueBits);
}

/** A chunk's entries have room for `k`; those from `count` on are overwritten with zeros. `bytes` are zero before. */
export function writeTopkChunk(chunk: TopkChunk, format: TopkFormat, bytes: Uint8Array, at: number): void {
  const { offsets, codes, count, scaleByte } = chunk;
  const { k, valueBits } = format;
  offsets.fill(0, count, k);
  codes.fill(0, count, k);
  bytes[at] = scaleByte;
  pack12(offsets, k, bytes, at + 1);
  packCodes(codes, k, valueBits, bytes, at + 1 + packed12Bytes(k));
}

/** Reads and checks a chunk of `length` values. @throws GradswarmError `badRequest`. */
export function readTopkChunk(
  bytes: Uint8Array,
  at: number,
  format: TopkFormat,
  length: number,
  chunk: TopkChunk,
): void {
  const { k, valueBits } = format;
  const { offsets, codes } = chunk;
  const scaleByte = bytes[at]!;
  checkZeroScale(scaleByte, at);
  const isPadded =
    unpack12(bytes, at + 1, offsets, k) && unpackCodes(bytes, at + 1 + packed12Bytes(k), valueBits, codes, k);
  if (!isPadded) throw malformed('The bits after the last offset or code are not zero.');
  let count = scaleByte === 0 ? 0 : 1;
  while (count > 0 && count < k && offsets[count]! > offsets[count - 1]!) count++;
  for (let index = count; index < k; index++) {
    if (offsets[index] !== 0 || codes[index] !== 0) {
      throw malformed(
        'The offsets of a chunk are repeated or unsorted, or there are codes after its last entry.',
      );
    }
  }
  if (count > 0 && offsets[count - 1]! >= length) {
    throw malformed(`Offset ${offsets[count - 1]} is outside its chunk of ${length} values.`);
  }
  chunk.count = count;
  chunk.scaleByte = scaleByte;
}

/** Values of the codes at a scale. */
export function fillTopkValues(values: Float64Array, scaleByte: number, valueBits: number): void {
  const scale = zeroScales[scaleByte]!;
  const levels = 1 << (valueBits - 1);
  for (let level = 0; level < levels; level++) {
    values[level] = (level + 1) * scale;
    values[level + levels] = -(level + 1) * scale;
  }
}
