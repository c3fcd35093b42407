import { bytesOf, floatsOf } from '../tensor/bytes.ts';
import type { TensorEntry } from '../tensor/manifest.ts';
import { finiteSquaredNorm } from './finite.ts';
import type { PieceReader } from './piecewise.ts';

/** A tensor as a matrix: the last dimension has the columns, all others together the rows. */
export interface MatrixView {
  readonly offset: number;
  readonly rows: number;
  readonly columns: number;
}

/** A tensor of at most one dimension is one row. */
export function matrixView({ offset, length, shape }: TensorEntry): MatrixView {
  const columns = shape.at(-1) ?? 1;
  return { offset, rows: columns === 0 ? 0 : length / columns, columns };
}

type Stretch = Pick<TensorEntry, 'offset' | 'length'>;

/** The tensors that a codec of matrices sends as they are: little-endian float32, at the start of the payload. */
export interface PlainPart extends PieceReader {
  readonly bytes: number;
  write(values: Float32Array, payload: Uint8Array): void;
}

export function createPlainPart(stretches: readonly Stretch[]): PlainPart {
  const bytes = stretches.reduce((sum, { length }) => sum + 4 * length, 0);
  const floats = (payload: Uint8Array): Float32Array => floatsOf(payload.subarray(0, bytes));
  return {
    bytes,
    write(values, payload) {
      let position = 0;
      for (const { offset, length } of stretches) {
        payload.set(bytesOf(values.subarray(offset, offset + length)), position);
        position += 4 * length;
      }
    },
    check: (payload) => void finiteSquaredNorm(floats(payload)),
    read(payload, take) {
      const values = floats(payload);
      let position = 0;
      for (const { offset, length } of stretches) {
        take(offset, values.subarray(position, position + length));
        position += length;
      }
    },
  };
}
