import { assert } from '../base/assert.ts';
import { assertGridWeight, toGrid } from '../tensor/grid.ts';
import type { Codec } from './codec.ts';
import type { CodecSpecOf } from './codec-spec.ts';
import { finiteSquaredNorm, malformed } from './finite.ts';
import { checkPayloadLength } from './payload-length.ts';
import { checkZeroScale, zeroScaleByteMax, zeroScales } from './zero-scale.ts';

/** Values that share one scale. A multiple of 8. */
export const signBlockLength = 256;

const blocksOf = (length: number): number => Math.ceil(length / signBlockLength);

/** One scale byte per block, then one bit per value, from the lowest of each byte on; 1 is negative. */
interface Parts {
  readonly scaleBytes: Uint8Array;
  readonly bits: Uint8Array;
}

function partsOf(payload: Uint8Array, length: number): Parts {
  const blocks = blocksOf(length);
  return { scaleBytes: payload.subarray(0, blocks), bits: payload.subarray(blocks) };
}

const bytesEnd = (block: number, bits: Uint8Array): number =>
  Math.min(((block + 1) * signBlockLength) >>> 3, bits.length);

/** @throws GradswarmError `wrongLength` or `badRequest`. */
function checkedParts(codec: Codec, payload: Uint8Array, length: number): Parts {
  checkPayloadLength(codec, payload);
  const parts = partsOf(payload, length);
  const { scaleBytes, bits } = parts;
  for (let block = 0; block < scaleBytes.length; block++) {
    const scaleByte = scaleBytes[block]!;
    checkZeroScale(scaleByte, block);
    if (scaleByte !== 0) continue;
    for (let at = (block * signBlockLength) >>> 3; at < bytesEnd(block, bits); at++) {
      if (bits[at] !== 0) throw malformed(`Block ${block} is zero, but has signs.`);
    }
  }
  const used = length % 8;
  if (used !== 0 && bits[bits.length - 1]! >>> used !== 0) {
    throw malformed('The bits after the last value are not zero.');
  }
  return parts;
}

/** Of the powers of two, and zero, the one that leaves the smallest squared error: p below 2/3 of the mean loses to 2p. */
function scaleByteFor(magnitudeSum: number, count: number): number {
  const mean = magnitudeSum / count;
  let scaleByte = 0;
  // From nothing to the first scale the rule is p < 2 mean; the loop is short of the smallest scales only.
  if (zeroScales[1]! < 2 * mean) scaleByte = 1;
  while (scaleByte > 0 && scaleByte < zeroScaleByteMax && 1.5 * zeroScales[scaleByte]! < mean) scaleByte++;
  return scaleByte;
}

function encode(values: Float32Array, bytes: number): Uint8Array {
  finiteSquaredNorm(values);
  const { length } = values;
  const payload = new Uint8Array(bytes);
  const { scaleBytes, bits } = partsOf(payload, length);
  for (let block = 0; block < scaleBytes.length; block++) {
    const start = block * signBlockLength;
    const end = Math.min(start + signBlockLength, length);
    let sum = 0;
    for (let index = start; index < end; index++) sum += Math.abs(values[index]!);
    const scaleByte = scaleByteFor(sum, end - start);
    scaleBytes[block] = scaleByte;
    if (scaleByte === 0) continue;
    for (let index = start; index < end; index += 8) {
      const byteEnd = Math.min(index + 8, end);
      let byte = 0;
      for (let at = index; at < byteEnd; at++) byte |= (values[at]! < 0 ? 1 : 0) << (at & 7);
      bits[index >>> 3] = byte;
    }
  }
  return payload;
}

function decode({ scaleBytes, bits }: Parts, target: Float32Array): void {
  const signed = new Float64Array(2);
  for (let block = 0; block < scaleBytes.length; block++) {
    const scale = zeroScales[scaleBytes[block]!]!;
    signed[0] = scale;
    signed[1] = -scale;
    const start = block * signBlockLength;
    const end = Math.min(start + signBlockLength, target.length);
    for (let index = start; index < end; index++) {
      target[index] = signed[(bits[index >>> 3]! >>> (index & 7)) & 1]!;
    }
  }
}

function accumulate({ scaleBytes, bits }: Parts, accumulator: Float64Array, weight: number): void {
  const signed = new Float64Array(2);
  for (let block = 0; block < scaleBytes.length; block++) {
    // Rounding to the grid is even, so the sign may come after it.
    signed[0] = toGrid(zeroScales[scaleBytes[block]!]!) * weight;
    signed[1] = -signed[0];
    const start = block * signBlockLength;
    const end = Math.min(start + signBlockLength, accumulator.length);
    let index = start;
    for (; index + 8 <= end; index += 8) {
      const byte = bits[index >>> 3]!;
      accumulator[index]! += signed[byte & 1]!;
      accumulator[index + 1]! += signed[(byte >>> 1) & 1]!;
      accumulator[index + 2]! += signed[(byte >>> 2) & 1]!;
      accumulator[index + 3]! += signed[(byte >>> 3) & 1]!;
      accumulator[index + 4]! += signed[(byte >>> 4) & 1]!;
      accumulator[index + 5]! += signed[(byte >>> 5) & 1]!;
      accumulator[index + 6]! += signed[(byte >>> 6) & 1]!;
      accumulator[index + 7]! += signed[byte >>> 7]!;
    }
    for (; index < end; index++) accumulator[index]! += signed[(bits[index >>> 3]! >>> (index & 7)) & 1]!;
  }
}

function squaredNorm({ scaleBytes }: Parts, length: number): number {
  let sum = 0;
  for (let block = 0; block < scaleBytes.length; block++) {
    const scale = zeroScales[scaleBytes[block]!]!;
    sum += Math.min(signBlockLength, length - block * signBlockLength) * scale * scale;
  }
  return sum;
}

/**
 * One bit per value and one power-of-two scale per 256: the one nearest to the mean magnitude (signSGD with error
 * feedback, Karimireddy et al. 2019). The squared error of a block is at most its squared norm less 8/9 of
 * `count * mean^2`, unless the mean is below the grid's step.
 */
export function createSign(spec: CodecSpecOf<'sign'>, { length }: { readonly length: number }): Codec {
  const codec: Codec = {
    spec,
    lossless: false,
    isBiased: true,
    encodedBytes: blocksOf(length) + Math.ceil(length / 8),
    encode(values) {
      assert(values.length === length, 'a vector has the length of its codec');
      return encode(values, codec.encodedBytes);
    },
    decode(payload, _seed, target) {
      assert(target.length === length, 'a target has the length of its codec');
      decode(checkedParts(codec, payload, length), target);
    },
    squaredNorm: (payload) => squaredNorm(checkedParts(codec, payload, length), length),
    decodeAndAccumulate(payload, _seed, accumulator, weight) {
      assert(accumulator.length === length, 'an accumulator has the length of its codec');
      assertGridWeight(weight);
      accumulate(checkedParts(codec, payload, length), accumulator, weight);
    },
  };
  return codec;
}
