import { assert } from '../base/assert.ts';
import { assertGridWeight, toGrid } from '../tensor/grid.ts';
import { chunkingOf, chunkLength } from './chunks.ts';
import type { Codec } from './codec.ts';
import type { CodecSpecOf } from './codec-spec.ts';
import { finiteSquaredNorm, malformed, notFinite } from './finite.ts';
import { scaleByteFor, scaleByteMax, scales, wordsOf } from './int8-scale.ts';
import { checkPayloadLength } from './payload-length.ts';
import { createRandomPositions } from './random-positions.ts';

/** @throws GradswarmError `wrongLength` or `badRequest`. */
function check(codec: Codec, payload: Uint8Array, chunks: number, chunkBytes: number): void {
  checkPayloadLength(codec, payload);
  for (let chunk = 0; chunk < chunks; chunk++) {
    const scaleByte = payload[chunk * chunkBytes]!;
    if (scaleByte > scaleByteMax) {
      throw malformed(
        `Scale byte ${scaleByte} of chunk ${chunk} is off the grid: the largest is ${scaleByteMax}.`,
      );
    }
  }
}

/**
 * k values of every chunk of 4,096 at positions that follow from the unit's seed and are never sent; a signed byte each,
 * rounded to nearest, with one power-of-two scale per chunk. The values are as they are, not blown up by 4096 / k, so
 * that what is left out can be carried by error feedback (Stich et al. 2018).
 */
export function createRandomk(spec: CodecSpecOf<'randomk'>, { length }: { readonly length: number }): Codec {
  const { chunks, lastLength } = chunkingOf(length);
  const chunkBytes = 1 + spec.k;
  const lengthOf = (chunk: number): number => (chunk === chunks - 1 ? lastLength : chunkLength);
  const keptOf = (chunk: number): number => Math.min(spec.k, lengthOf(chunk));

  const encodeChunk = (
    words: Int32Array,
    values: Float32Array,
    positions: Uint16Array,
    codes: Int8Array,
  ): number => {
    let largest = 0;
    for (let draw = 0; draw < codes.length; draw++) {
      const magnitude = words[positions[draw]!]! & 0x7fffffff;
      if (magnitude > largest) largest = magnitude;
    }
    const scaleByte = scaleByteFor(largest);
    if (scaleByte > scaleByteMax) throw notFinite();
    const inverseScale = 1 / scales[scaleByte]!;
    for (let draw = 0; draw < codes.length; draw++) {
      codes[draw] = ((values[positions[draw]!]! * inverseScale + 128.5) | 0) - 128;
    }
    return scaleByte;
  };

  /** The chunks of a checked payload with what they hold and where it belongs. */
  const forEachChunk = (
    payload: Uint8Array,
    seed: number,
    take: (codes: Int8Array, scale: number, positions: Uint16Array, start: number) => void,
  ): void => {
    const draw = createRandomPositions(seed);
    for (let chunk = 0; chunk < chunks; chunk++) {
      const at = chunk * chunkBytes;
      const kept = keptOf(chunk);
      const codes = new Int8Array(payload.buffer, payload.byteOffset + at + 1, kept);
      take(codes, scales[payload[at]!]!, draw(chunk, lengthOf(chunk), kept), chunk * chunkLength);
    }
  };

  const codec: Codec = {
    spec,
    lossless: false,
    isBiased: true,
    encodedBytes: chunks === 0 ? 0 : (chunks - 1) * chunkBytes + 1 + keptOf(chunks - 1),
    encode(values, seed) {
      assert(values.length === length, 'a vector has the length of its codec');
      finiteSquaredNorm(values);
      const payload = new Uint8Array(codec.encodedBytes);
      const draw = createRandomPositions(seed);
      const words = wordsOf(values);
      for (let chunk = 0; chunk < chunks; chunk++) {
        const start = chunk * chunkLength;
        const end = start + lengthOf(chunk);
        const at = chunk * chunkBytes;
        const codes = new Int8Array(payload.buffer, at + 1, keptOf(chunk));
        const positions = draw(chunk, lengthOf(chunk), codes.length);
        payload[at] = encodeChunk(words.subarray(start, end), values.subarray(start, end), positions, codes);
      }
      return payload;
    },
    decode(payload, seed, target) {
      assert(target.length === length, 'a target has the length of its codec');
      check(codec, payload, chunks, chunkBytes);
      target.fill(0);
      forEachChunk(payload, seed, (codes, scale, positions, start) => {
        for (let draw = 0; draw < codes.length; draw++)
          target[start + positions[draw]!] = codes[draw]! * scale;
      });
    },
    squaredNorm(payload) {
      check(codec, payload, chunks, chunkBytes);
      let sum = 0;
      for (let chunk = 0; chunk < chunks; chunk++) {
        const at = chunk * chunkBytes;
        const codes = new Int8Array(payload.buffer, payload.byteOffset + at + 1, keptOf(chunk));
        const squares = codes.reduce((total, code) => total + code * code, 0);
        const scale = scales[payload[at]!]!;
        sum += squares * scale * scale;
      }
      return sum;
    },
    decodeAndAccumulate(payload, seed, accumulator, weight) {
      assert(accumulator.length === length, 'an accumulator has the length of its codec');
      assertGridWeight(weight);
      check(codec, payload, chunks, chunkBytes);
      forEachChunk(payload, seed, (codes, scale, positions, start) => {
        for (let draw = 0; draw < codes.length; draw++) {
          accumulator[start + positions[draw]!]! += toGrid(codes[draw]! * scale) * weight;
        }
      });
    },
  };
  return codec;
}
