import { accumulate } from '../tensor/grid.ts';
import { squaredNorm } from '../tensor/kernels.ts';
import type { Codec } from './codec.ts';
import { checkPayloadLength } from './payload-length.ts';

/** Takes the decoded values from `offset` on; the array is used again for the next piece. */
export type TakePiece = (offset: number, values: Float32Array) => void;

/** How a codec of tensors reads a payload of the right length: one stretch of the flat vector after the other. */
export interface PieceReader {
  /** @throws GradswarmError `badRequest` or `notFinite` unless the payload is one that the codec may write. */
  check(payload: Uint8Array): void;
  /** Hands out every value of the vector once. */
  read(payload: Uint8Array, take: TakePiece): void;
}

/** The reading half of a codec, in memory for one piece. */
export function piecewise(
  codec: Pick<Codec, 'spec' | 'encodedBytes'>,
  reader: PieceReader,
): Pick<Codec, 'decode' | 'squaredNorm' | 'decodeAndAccumulate'> {
  const readChecked = (payload: Uint8Array, take: TakePiece): void => {
    checkPayloadLength(codec, payload);
    reader.check(payload);
    reader.read(payload, take);
  };
  return {
    decode: (payload, _seed, target) => readChecked(payload, (offset, values) => target.set(values, offset)),
    squaredNorm(payload) {
      let sum = 0;
      readChecked(payload, (_offset, values) => {
        sum += squaredNorm(values);
      });
      return sum;
    },
    decodeAndAccumulate: (payload, _seed, accumulator, weight) =>
      readChecked(payload, (offset, values) =>
        accumulate(accumulator.subarray(offset, offset + values.length), values, weight),
      ),
  };
}
