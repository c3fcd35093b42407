import { assert } from '../base/assert.ts';
import { assertGridWeight, toGrid } from '../tensor/grid.ts';
import type { Codec } from './codec.ts';
import type { CodecSpecOf } from './codec-spec.ts';
import { counterHash, type HashKey, hashKey } from './counter-hash.ts';
import { malformed, notFinite } from './finite.ts';
import { largestMagnitudeBits, scaleByteFor7, scaleByteMax, scales, wordsOf } from './int8-scale.ts';
import { checkPayloadLength } from './payload-length.ts';

/** Values that share one scale: few, since a step is a seventh of the largest of them or more. Even. */
export const int4BlockLength = 64;

/** Turns a 32-bit word into a fraction in [0, 1). */
const uint32Step = 1 / 0x100000000;

const blocksOf = (length: number): number => Math.ceil(length / int4BlockLength);

/** The signed codes of a byte: the lower half belongs to the first of two values. */
const lowCode = (byte: number): number => (byte << 28) >> 28;
const highCode = (byte: number): number => (byte << 24) >> 28;

/** One scale byte per block, then two codes a byte. */
interface Parts {
  readonly scaleBytes: Uint8Array;
  readonly pairs: Uint8Array;
}

function partsOf(payload: Uint8Array, length: number): Parts {
  const blocks = blocksOf(length);
  return { scaleBytes: payload.subarray(0, blocks), pairs: payload.subarray(blocks) };
}

/** @throws GradswarmError `wrongLength` or `badRequest`. */
function checkedParts(codec: Codec, payload: Uint8Array, length: number): Parts {
  checkPayloadLength(codec, payload);
  const parts = partsOf(payload, length);
  for (let block = 0; block < parts.scaleBytes.length; block++) {
    const scaleByte = parts.scaleBytes[block]!;
    if (scaleByte > scaleByteMax) {
      throw malformed(
        `Scale byte ${scaleByte} of block ${block} is off the grid: the largest is ${scaleByteMax}.`,
      );
    }
  }
  if (length % 2 === 1 && parts.pairs[parts.pairs.length - 1]! >>> 4 !== 0) {
    throw malformed('The half of the last byte that holds no value is not zero.');
  }
  return parts;
}

/** Truncation after a shift to positive numbers is the floor; a shift of 16 leaves the code's four bits alone. */
function codeOf(value: number, inverseScale: number, word: number): number {
  return ((value * inverseScale + word * uint32Step + 16) | 0) & 15;
}

function quantiseBlock(
  values: Float32Array,
  pairs: Uint8Array,
  start: number,
  end: number,
  inverseScale: number,
  { first, second }: HashKey,
): void {
  let index = start;
  for (; index + 2 <= end; index += 2) {
    const low = codeOf(values[index]!, inverseScale, counterHash(index, first, second));
    const high = codeOf(values[index + 1]!, inverseScale, counterHash(index + 1, first, second));
    pairs[index >>> 1] = low | (high << 4);
  }
  if (index < end) {
    pairs[index >>> 1] = codeOf(values[index]!, inverseScale, counterHash(index, first, second));
  }
}

function encode(values: Float32Array, seed: number, bytes: number): Uint8Array {
  const { length } = values;
  const payload = new Uint8Array(bytes);
  const { scaleBytes, pairs } = partsOf(payload, length);
  const words = wordsOf(values);
  const key = hashKey(seed);
  for (let block = 0; block < scaleBytes.length; block++) {
    const start = block * int4BlockLength;
    const end = Math.min(start + int4BlockLength, length);
    const scaleByte = scaleByteFor7(largestMagnitudeBits(words, start, end));
    if (scaleByte > scaleByteMax) throw notFinite();
    scaleBytes[block] = scaleByte;
    const inverseScale = 1 / scales[scaleByte]!;
    quantiseBlock(values, pairs, start, end, inverseScale, key);
  }
  return payload;
}

function decode({ scaleBytes, pairs }: Parts, target: Float32Array): void {
  const { length } = target;
  for (let block = 0; block < scaleBytes.length; block++) {
    const scale = scales[scaleBytes[block]!]!;
    const start = block * int4BlockLength;
    const end = Math.min(start + int4BlockLength, length);
    for (let index = start; index < end; index += 2) {
      const pair = pairs[index >>> 1]!;
      target[index] = lowCode(pair) * scale;
      // Beyond the end of a target of odd length this writes nothing.
      target[index + 1] = highCode(pair) * scale;
    }
  }
}

function squaredNorm({ scaleBytes, pairs }: Parts): number {
  let sum = 0;
  for (let block = 0; block < scaleBytes.length; block++) {
    const start = (block * int4BlockLength) >>> 1;
    const end = Math.min(start + (int4BlockLength >>> 1), pairs.length);
    let squares = 0;
    for (let at = start; at < end; at++) {
      const low = lowCode(pairs[at]!);
      const high = highCode(pairs[at]!);
      squares += low * low + high * high;
    }
    const scale = scales[scaleBytes[block]!]!;
    sum += squares * scale * scale;
  }
  return sum;
}

function accumulate({ scaleBytes, pairs }: Parts, accumulator: Float64Array, weight: number): void {
  const { length } = accumulator;
  const weighted = new Float64Array(16);
  for (let block = 0; block < scaleBytes.length; block++) {
    const scale = scales[scaleBytes[block]!]!;
    for (let code = 0; code < 16; code++) weighted[code] = toGrid(lowCode(code) * scale) * weight;
    const start = block * int4BlockLength;
    const end = Math.min(start + int4BlockLength, length);
    for (let index = start; index + 1 < end; index += 2) {
      const pair = pairs[index >>> 1]!;
      accumulator[index]! += weighted[pair & 15]!;
      accumulator[index + 1]! += weighted[pair >>> 4]!;
    }
    if ((end - start) % 2 === 1) accumulator[end - 1]! += weighted[pairs[(end - 1) >>> 1]! & 15]!;
  }
}

/**
 * Four-bit codes with one power-of-two scale per 64 values, rounded stochastically as those of `int8`: the expectation
 * is the value itself, and the error stays under one step, at most 2/7 of the block's largest magnitude.
 */
export function createInt4(spec: CodecSpecOf<'int4'>, { length }: { readonly length: number }): Codec {
  const codec: Codec = {
    spec,
    lossless: false,
    isBiased: false,
    encodedBytes: blocksOf(length) + Math.ceil(length / 2),
    encode(values, seed) {
      assert(values.length === length, 'a vector has the length of its codec');
      return encode(values, seed, codec.encodedBytes);
    },
    decode(payload, _seed, target) {
      assert(target.length === length, 'a target has the length of its codec');
      decode(checkedParts(codec, payload, length), target);
    },
    squaredNorm: (payload) => squaredNorm(checkedParts(codec, payload, length)),
    decodeAndAccumulate(payload, _seed, accumulator, weight) {
      assert(accumulator.length === length, 'an accumulator has the length of its codec');
      assertGridWeight(weight);
      accumulate(checkedParts(codec, payload, length), accumulator, weight);
    },
  };
  return codec;
}
