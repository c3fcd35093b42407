import { assert } from '../base/assert.ts';
import { GradswarmError } from '../base/errors.ts';
import { gridMax, gridStep } from './grid.ts';

/**
 * Exact sums on the grid as bytes. Values of one block are integers times a common power of two; the integers of a
 * block take as many whole bytes as its largest needs, so sums of int8 updates take about 2 bytes a value instead of 8.
 * Blocks follow one another without padding, each:
 *
 *     u8 bytes per value, 0 to 7; 0: all values are zero, and nothing follows
 *     u8 shift: the values are integers times 2^(shift - 40)
 *     the integers, zigzag (0, -1, 1, -2, ...), little-endian
 *
 * The same sums give the same bytes, so their SHA-256 tells whether two members hold the same.
 */
export const packedBlockLength = 256;

const bytesPerValueMax = 7;
const shiftMax = 52;
const word = 0x1_0000_0000;
const stepsPerUnit = 1 / gridStep;

/** Bytes that `length` packed sums can take at most. */
export function packedBytesMax(length: number): number {
  return Math.ceil(length / packedBlockLength) * 2 + length * bytesPerValueMax;
}

/** `sums` are on the grid, and below 2^12. */
export function packSums(sums: Float64Array): Uint8Array {
  const packed = new Uint8Array(packedBytesMax(sums.length));
  let offset = 0;
  for (let start = 0; start < sums.length; start += packedBlockLength) {
    offset = packBlock(sums, start, Math.min(start + packedBlockLength, sums.length), packed, offset);
  }
  return packed.slice(0, offset);
}

function packBlock(
  sums: Float64Array,
  start: number,
  end: number,
  packed: Uint8Array,
  offset: number,
): number {
  let lowBits = 0;
  let highBits = 0;
  let largest = 0;
  for (let index = start; index < end; index++) {
    const magnitude = Math.abs(sums[index]!) * stepsPerUnit;
    const high = Math.floor(magnitude / word);
    lowBits |= magnitude - high * word;
    highBits |= high;
    if (magnitude > largest) largest = magnitude;
  }
  if (largest === 0) return writeHeader(packed, offset, 0, 0);
  const shift = lowBits === 0 ? 32 + trailingZeros(highBits) : trailingZeros(lowBits);
  const scale = stepsPerUnit / 2 ** shift;
  const bytes = bytesOf((2 * largest) / 2 ** shift);
  assert(bytes <= bytesPerValueMax, 'a sum is below 2^12');
  let at = writeHeader(packed, offset, bytes, shift);
  for (let index = start; index < end; index++) {
    const value = sums[index]! * scale;
    const zigzag = value >= 0 ? 2 * value : -2 * value - 1;
    const high = Math.floor(zigzag / word);
    let low = (zigzag - high * word) | 0;
    const lowBytes = Math.min(bytes, 4);
    for (let byte = 0; byte < lowBytes; byte++) {
      packed[at++] = low;
      low >>>= 8;
    }
    for (let byte = 4; byte < bytes; byte++) packed[at++] = high >>> (8 * (byte - 4));
  }
  return at;
}

function writeHeader(packed: Uint8Array, offset: number, bytes: number, shift: number): number {
  packed[offset] = bytes;
  packed[offset + 1] = shift;
  return offset + 2;
}

function trailingZeros(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}

/** Bytes that hold every whole number up to `largest`. */
function bytesOf(largest: number): number {
  let bytes = 0;
  for (let rest = largest; rest >= 1; rest = Math.floor(rest / 256)) bytes += 1;
  return bytes;
}

/**
 * Reads `target.length` sums of contributions that weigh `weight` together. What it has written when it throws is
 * void.
 * @throws GradswarmError `wrongLength`, or `badRequest` for what no such sum can be.
 */
export function unpackSums(packed: Uint8Array, target: Float64Array, weight: number): void {
  let offset = 0;
  for (let start = 0; start < target.length; start += packedBlockLength) {
    const end = Math.min(start + packedBlockLength, target.length);
    offset = unpackBlock(packed, offset, target, start, end, weight * gridMax);
  }
  if (offset !== packed.length) throw wrongLength(packed, target.length);
}

function unpackBlock(
  packed: Uint8Array,
  offset: number,
  target: Float64Array,
  start: number,
  end: number,
  magnitudeMax: number,
): number {
  if (offset + 2 > packed.length) throw wrongLength(packed, target.length);
  const bytes = packed[offset]!;
  const shift = packed[offset + 1]!;
  if (bytes > bytesPerValueMax || shift > shiftMax) throw offGrid(start);
  let at = offset + 2;
  if (at + bytes * (end - start) > packed.length) throw wrongLength(packed, target.length);
  if (bytes === 0) {
    target.fill(0, start, end);
    return at;
  }
  const scale = gridStep * 2 ** shift;
  const lowBytes = Math.min(bytes, 4);
  for (let index = start; index < end; index++) {
    let low = 0;
    for (let byte = 0; byte < lowBytes; byte++) low |= packed[at++]! << (8 * byte);
    let high = 0;
    for (let byte = 4; byte < bytes; byte++) high |= packed[at++]! << (8 * (byte - 4));
    // The lowest bit is the sign.
    const half = (low >>> 1) + high * (word / 2);
    const value = ((low & 1) === 0 ? half : -half - 1) * scale;
    if (!(Math.abs(value) <= magnitudeMax)) throw offGrid(index);
    target[index] = value;
  }
  return at;
}

function wrongLength(packed: Uint8Array, length: number): GradswarmError {
  const message = `${packed.length} bytes are not ${length} packed sums.`;
  return new GradswarmError('wrongLength', message, 'payload');
}

function offGrid(index: number): GradswarmError {
  return new GradswarmError('badRequest', `Value ${index} is no sum of updates.`, 'payload');
}
