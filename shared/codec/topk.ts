import { assert } from '../base/assert.ts';
import { assertGridWeight, toGrid } from '../tensor/grid.ts';
import { chunkingOf, chunkLength } from './chunks.ts';
import type { Codec } from './codec.ts';
import type { CodecSpecOf } from './codec-spec.ts';
import { wordsOf } from './int8-scale.ts';
import { checkPayloadLength } from './payload-length.ts';
import { createTopSelection } from './top-selection.ts';
import {
  fillTopkValues,
  readTopkChunk,
  type TopkChunk,
  type TopkFormat,
  topkChunkBytes,
  writeTopkChunk,
} from './topk-chunk.ts';
import { createTopkQuantiser } from './topk-quantiser.ts';

/** A chunk's place in the vector and in the payload. */
interface Place {
  readonly start: number;
  readonly length: number;
  readonly at: number;
  readonly format: TopkFormat;
}

/** Every chunk in order; the last may keep fewer than k values. */
function placesOf({ k, valueBits }: TopkFormat, length: number): readonly Place[] {
  const { chunks, lastLength } = chunkingOf(length);
  const whole = { k, valueBits };
  const wholeBytes = topkChunkBytes(whole);
  return Array.from({ length: chunks }, (_, chunk) => {
    const isLast = chunk === chunks - 1;
    return {
      start: chunk * chunkLength,
      length: isLast ? lastLength : chunkLength,
      at: chunk * wholeBytes,
      format: isLast ? { k: Math.min(k, lastLength), valueBits } : whole,
    };
  });
}

/**
 * The k values of largest magnitude of every chunk of 4,096, in 2, 4 or 8 bits each (sparsification with memory, Stich
 * et al. 2018; chunks and few bits as in SparseLoCo, 2025). What is left out is the business of error feedback.
 */
export function createTopk(spec: CodecSpecOf<'topk'>, { length }: { readonly length: number }): Codec {
  const { k, valueBits } = spec;
  const places = placesOf(spec, length);
  const last = places.at(-1);
  const encodedBytes = last === undefined ? 0 : last.at + topkChunkBytes(last.format);
  const chunk: TopkChunk = {
    offsets: new Uint16Array(k),
    codes: new Uint8Array(k),
    count: 0,
    scaleByte: 0,
  };
  const values = new Float64Array(1 << valueBits);

  /** Reads the checked payload's chunks one after the other, with `values` for the codes of each. */
  const forEachChunk = (payload: Uint8Array, take: (place: Place) => void): void => {
    for (const place of places) {
      readTopkChunk(payload, place.at, place.format, place.length, chunk);
      if (chunk.count === 0) continue;
      fillTopkValues(values, chunk.scaleByte, valueBits);
      take(place);
    }
  };

  const check = (payload: Uint8Array): void => {
    checkPayloadLength(codec, payload);
    for (const { at, format, length } of places) readTopkChunk(payload, at, format, length, chunk);
  };

  const codec: Codec = {
    spec,
    lossless: false,
    isBiased: true,
    encodedBytes,
    encode(update) {
      assert(update.length === length, 'a vector has the length of its codec');
      const selection = createTopSelection();
      const quantise = createTopkQuantiser(valueBits, k);
      const words = wordsOf(update);
      const payload = new Uint8Array(encodedBytes);
      for (const { start, length, at, format } of places) {
        const found = selection.select(words, start, start + length, format.k);
        quantise(update, start, selection.offsets, found, chunk);
        writeTopkChunk(chunk, format, payload, at);
      }
      return payload;
    },
    decode(payload, _seed, target) {
      assert(target.length === length, 'a target has the length of its codec');
      check(payload);
      target.fill(0);
      const { offsets, codes } = chunk;
      forEachChunk(payload, ({ start }) => {
        for (let entry = 0; entry < chunk.count; entry++) {
          target[start + offsets[entry]!] = values[codes[entry]!]!;
        }
      });
    },
    squaredNorm(payload) {
      checkPayloadLength(codec, payload);
      let sum = 0;
      const { codes } = chunk;
      forEachChunk(payload, () => {
        for (let entry = 0; entry < chunk.count; entry++) {
          const value = values[codes[entry]!]!;
          sum += value * value;
        }
      });
      return sum;
    },
    decodeAndAccumulate(payload, _seed, accumulator, weight) {
      assert(accumulator.length === length, 'an accumulator has the length of its codec');
      assertGridWeight(weight);
      check(payload);
      const { offsets, codes } = chunk;
      forEachChunk(payload, ({ start }) => {
        for (let code = 0; code < values.length; code++) values[code] = toGrid(values[code]!) * weight;
        for (let entry = 0; entry < chunk.count; entry++) {
          accumulator[start + offsets[entry]!]! += values[codes[entry]!]!;
        }
      });
    },
  };
  return codec;
}
