import { assert } from '../base/assert.ts';
import { GradswarmError } from '../base/errors.ts';
import { assertGridWeight, toGrid } from '../tensor/grid.ts';
import type { Codec } from './codec.ts';
import type { CodecSpecOf } from './codec-spec.ts';
import { counterHash, type HashKey, hashKey } from './counter-hash.ts';
import { malformed } from './finite.ts';
import {
  largestMagnitudeBits,
  scaleByteFor,
  scaleByteMax,
  scales,
  unclippedScaleByteMax,
  wordsOf,
} from './int8-scale.ts';
import { checkPayloadLength } from './payload-length.ts';

/** Values that share one scale. */
export const int8BlockLength = 256;

/** Turns a 32-bit word into a fraction in [0, 1). */
const uint32Step = 1 / 0x100000000;

const blocksOf = (length: number): number => Math.ceil(length / int8BlockLength);

/** One scale byte per block, then one signed code per value. */
interface Parts {
  readonly scaleBytes: Uint8Array;
  readonly codes: Int8Array;
}

function partsOf(payload: Uint8Array, length: number): Parts {
  const blocks = blocksOf(length);
  return {
    scaleBytes: payload.subarray(0, blocks),
    codes: new Int8Array(payload.buffer, payload.byteOffset + blocks, length),
  };
}

/** The payload has the right length. @throws GradswarmError `badRequest`. */
function checkedParts(payload: Uint8Array, length: number): Parts {
  const parts = partsOf(payload, length);
  for (let block = 0; block < parts.scaleBytes.length; block++) {
    if (parts.scaleBytes[block]! > scaleByteMax) {
      throw malformed(
        `Scale byte ${parts.scaleBytes[block]} of block ${block} is off the grid: the largest is ${scaleByteMax}.`,
      );
    }
  }
  return parts;
}

/** @throws GradswarmError `notFinite`. */
function scaleByteOfBlock(words: Int32Array, start: number, end: number): number {
  const scaleByte = scaleByteFor(largestMagnitudeBits(words, start, end));
  if (scaleByte > scaleByteMax) {
    throw new GradswarmError('notFinite', 'The vector holds NaN, an infinity, or a value beyond 1e38.');
  }
  return scaleByte;
}

function quantiseBlock(
  values: Float32Array,
  codes: Int8Array,
  start: number,
  end: number,
  inverseScale: number,
  { first, second }: HashKey,
): void {
  for (let index = start; index < end; index++) {
    const scaled = values[index]! * inverseScale;
    const uniform = counterHash(index, first, second) * uint32Step;
    // Truncation after a shift to positive numbers is the floor, and much faster than Math.floor. The sum may have been
    // rounded up to the code, which this exact comparison undoes, so that the code is the floor of the exact sum.
    const code = ((scaled + uniform + 128) | 0) - 128;
    codes[index] = code - uniform > scaled ? code - 1 : code;
  }
}

function encode(values: Float32Array, seed: number): Uint8Array {
  const payload = new Uint8Array(int8Bytes(values.length));
  const { scaleBytes, codes } = partsOf(payload, values.length);
  const words = wordsOf(values);
  const key = hashKey(seed);
  for (let block = 0; block < scaleBytes.length; block++) {
    const start = block * int8BlockLength;
    const end = Math.min(start + int8BlockLength, values.length);
    const scaleByte = scaleByteOfBlock(words, start, end);
    scaleBytes[block] = scaleByte;
    quantiseBlock(values, codes, start, end, 1 / scales[scaleByte]!, key);
  }
  return payload;
}

function decode(payload: Uint8Array, target: Float32Array): void {
  const { scaleBytes, codes } = checkedParts(payload, target.length);
  for (let block = 0; block < scaleBytes.length; block++) {
    const start = block * int8BlockLength;
    const end = Math.min(start + int8BlockLength, target.length);
    const scale = scales[scaleBytes[block]!]!;
    for (let index = start; index < end; index++) target[index] = codes[index]! * scale;
  }
}

/** Exact in 32 bits, so the order of the additions does not matter. */
function sumOfSquaredCodes(codes: Int8Array, start: number, end: number): number {
  let sum = 0;
  let index = start;
  for (; index + 4 <= end; index += 4) {
    const a = codes[index]!;
    const b = codes[index + 1]!;
    const c = codes[index + 2]!;
    const d = codes[index + 3]!;
    sum = (sum + Math.imul(a, a) + Math.imul(b, b) + Math.imul(c, c) + Math.imul(d, d)) | 0;
  }
  for (; index < end; index++) sum = (sum + Math.imul(codes[index]!, codes[index]!)) | 0;
  return sum;
}

function squaredNorm(payload: Uint8Array, length: number): number {
  const { scaleBytes, codes } = checkedParts(payload, length);
  let sum = 0;
  for (let block = 0; block < scaleBytes.length; block++) {
    const start = block * int8BlockLength;
    const end = Math.min(start + int8BlockLength, length);
    const squares = sumOfSquaredCodes(codes, start, end);
    const scale = scales[scaleBytes[block]!]!;
    sum += squares * scale * scale;
  }
  return sum;
}

function decodeAndAccumulate(payload: Uint8Array, accumulator: Float64Array, weight: number): void {
  const { scaleBytes, codes } = checkedParts(payload, accumulator.length);
  assertGridWeight(weight);
  for (let block = 0; block < scaleBytes.length; block++) {
    const start = block * int8BlockLength;
    const end = Math.min(start + int8BlockLength, accumulator.length);
    const scaleByte = scaleBytes[block]!;
    const scale = scales[scaleByte]!;
    if (scaleByte <= unclippedScaleByteMax) addBlock(accumulator, codes, start, end, scale * weight);
    else addClippedBlock(accumulator, codes, start, end, scale, weight);
  }
}

/** Code times scale is on the grid already, and so is its product with an integer weight. */
function addBlock(
  accumulator: Float64Array,
  codes: Int8Array,
  start: number,
  end: number,
  weightedScale: number,
): void {
  let index = start;
  for (; index + 4 <= end; index += 4) {
    accumulator[index]! += codes[index]! * weightedScale;
    accumulator[index + 1]! += codes[index + 1]! * weightedScale;
    accumulator[index + 2]! += codes[index + 2]! * weightedScale;
    accumulator[index + 3]! += codes[index + 3]! * weightedScale;
  }
  for (; index < end; index++) accumulator[index]! += codes[index]! * weightedScale;
}

function addClippedBlock(
  accumulator: Float64Array,
  codes: Int8Array,
  start: number,
  end: number,
  scale: number,
  weight: number,
): void {
  for (let index = start; index < end; index++) accumulator[index]! += toGrid(codes[index]! * scale) * weight;
}

const int8Bytes = (length: number): number => blocksOf(length) + length;

/**
 * Signed bytes with one power-of-two scale per 256 values, rounded stochastically (Gupta et al. 2015): a value lies
 * between two codes and takes the upper one with the probability of its distance from the lower, so the expectation is
 * the value itself and the error stays under one step, at most 1/63 of the block's largest magnitude.
 */
export function createInt8(spec: CodecSpecOf<'int8'>, { length }: { readonly length: number }): Codec {
  const codec: Codec = {
    spec,
    lossless: false,
    isBiased: false,
    encodedBytes: int8Bytes(length),
    encode(values, seed) {
      assert(values.length === length, 'a vector has the length of its codec');
      return encode(values, seed);
    },
    decode(payload, _seed, target) {
      assert(target.length === length, 'a target has the length of its codec');
      checkPayloadLength(codec, payload);
      decode(payload, target);
    },
    squaredNorm(payload) {
      checkPayloadLength(codec, payload);
      return squaredNorm(payload, length);
    },
    decodeAndAccumulate(payload, _seed, accumulator, weight) {
      assert(accumulator.length === length, 'an accumulator has the length of its codec');
      checkPayloadLength(codec, payload);
      decodeAndAccumulate(payload, accumulator, weight);
    },
  };
  return codec;
}

assert(int8BlockLength * 128 * 128 < 0x80000000, 'the squares of a block add up in 32 bits');
