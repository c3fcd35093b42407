import { assert } from '../base/assert.ts';
import { bytesOf, floatsOf } from '../tensor/bytes.ts';
import { accumulate } from '../tensor/grid.ts';
import type { Codec } from './codec.ts';
import type { CodecSpecOf } from './codec-spec.ts';
import { finiteSquaredNorm } from './finite.ts';
import { checkPayloadLength } from './payload-length.ts';

/** Little-endian float32, as it is. */
export function createFloat32(spec: CodecSpecOf<'float32'>, { length }: { readonly length: number }): Codec {
  const codec: Codec = {
    spec,
    lossless: true,
    isBiased: false,
    encodedBytes: 4 * length,
    encode(values) {
      assert(values.length === length, 'a vector has the length of its codec');
      finiteSquaredNorm(values);
      return bytesOf(values).slice();
    },
    decode(payload, _seed, target) {
      assert(target.length === length, 'a target has the length of its codec');
      checkPayloadLength(codec, payload);
      const values = floatsOf(payload);
      finiteSquaredNorm(values);
      target.set(values);
    },
    squaredNorm(payload) {
      checkPayloadLength(codec, payload);
      return finiteSquaredNorm(floatsOf(payload));
    },
    decodeAndAccumulate(payload, _seed, accumulator, weight) {
      checkPayloadLength(codec, payload);
      accumulate(accumulator, floatsOf(payload), weight);
    },
  };
  return codec;
}
