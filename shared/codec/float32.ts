import { GradswarmError } from '../base/errors.ts';
import { bytesOf, floatsOf } from '../tensor/bytes.ts';
import { accumulate } from '../tensor/grid.ts';
import { squaredNorm } from '../tensor/kernels.ts';
import type { Codec } from './codec.ts';
import { checkPayloadLength } from './payload-length.ts';

function finiteSquaredNorm(values: Float32Array): number {
  const sum = squaredNorm(values);
  if (!Number.isFinite(sum)) throw new GradswarmError('notFinite', 'The vector holds NaN or an infinity.');
  return sum;
}

/** Little-endian float32, as it is. */
export const float32: Codec = {
  name: 'float32',
  lossless: true,
  encodedBytes: (length) => 4 * length,
  encode(values) {
    finiteSquaredNorm(values);
    return bytesOf(values).slice();
  },
  decode(payload, target) {
    checkPayloadLength(float32, payload, target.length);
    const values = floatsOf(payload);
    finiteSquaredNorm(values);
    target.set(values);
  },
  squaredNorm(payload, length) {
    checkPayloadLength(float32, payload, length);
    return finiteSquaredNorm(floatsOf(payload));
  },
  decodeAndAccumulate(payload, accumulator, weight) {
    checkPayloadLength(float32, payload, accumulator.length);
    accumulate(accumulator, floatsOf(payload), weight);
  },
};
