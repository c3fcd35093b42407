import { assert } from '../base/assert.ts';
import { GradswarmError } from '../base/errors.ts';
import type { ParameterManifest } from '../tensor/manifest.ts';
import type { Codec } from './codec.ts';
import type { CodecSpecOf } from './codec-spec.ts';
import { counterHash, hashKey } from './counter-hash.ts';
import { finiteSquaredNorm, malformed } from './finite.ts';
import { scaleByteMax, scales } from './int8-scale.ts';
import { createPlainPart, type MatrixView, matrixView, type PlainPart } from './matrix-view.ts';
import { columnLength, orthonormalise } from './orthonormalise.ts';
import { type PieceReader, piecewise, type TakePiece } from './piecewise.ts';

const codeMax = 32_767;
/** Columns of the left factors have length one, so one scale does for all of them. */
const leftScale = 1 / 32_768;
/** Keeps products of two codes finite in float32, for the highest rank and more. */
const factorScaleByteMax = scaleByteMax - 20;

interface FactoredMatrix extends MatrixView {
  readonly rank: number;
  /** Of the left factor among the codes of the payload; the right factor follows. */
  readonly firstCode: number;
  readonly firstScale: number;
}

/** Payload: the plain tensors; codes of both factors of every matrix by rows; a scale byte for each right column. */
interface Layout {
  readonly plain: PlainPart;
  readonly matrices: readonly FactoredMatrix[];
  readonly codes: number;
  readonly scales: number;
}

function layOut(rankWanted: number, { tensors }: ParameterManifest): Layout {
  const plain: ParameterManifest['tensors'][number][] = [];
  const matrices: FactoredMatrix[] = [];
  let [codes, scaleBytes] = [0, 0];
  for (const tensor of tensors) {
    const view = matrixView(tensor);
    const rank = Math.min(rankWanted, view.rows, view.columns);
    const factors = rank * (view.rows + view.columns);
    const isThin = view.rows < 2 || view.columns < 2;
    if (tensor.role === 'statistic' || isThin || 2 * factors + rank >= 4 * tensor.length) {
      plain.push(tensor);
      continue;
    }
    matrices.push({ ...view, rank, firstCode: codes, firstScale: scaleBytes });
    codes += factors;
    scaleBytes += rank;
  }
  return { plain: createPlainPart(plain), matrices, codes, scales: scaleBytes };
}

interface Parts {
  readonly codes: Int16Array;
  readonly scaleBytes: Uint8Array;
}

/** Views of the payload; a copy where its alignment does not allow them. */
function partsOf(payload: Uint8Array, { plain, codes }: Layout): Parts {
  const aligned = payload.byteOffset % 2 === 0 ? payload : payload.slice();
  return {
    codes: new Int16Array(aligned.buffer, aligned.byteOffset + plain.bytes, codes),
    scaleBytes: aligned.subarray(plain.bytes + 2 * codes),
  };
}

/** Entries in [-1/2, 1/2) for columns that are zero, which would stay zero for ever. */
function fillZeroColumns(right: Float64Array, rank: number, seed: number): void {
  const { first, second } = hashKey(seed);
  for (let column = 0; column < rank; column++) {
    if (columnLength(right, rank, column) > 0) continue;
    for (let index = column; index < right.length; index += rank) {
      right[index] = counterHash(index, first, second) / 0x100000000 - 0.5;
    }
  }
}

/** `matrix * right`, by rows. */
function multiply(values: Float32Array, view: MatrixView, right: Float64Array, rank: number): Float64Array {
  const product = new Float64Array(view.rows * rank);
  for (let row = 0, index = view.offset; row < view.rows; row++) {
    const start = row * rank;
    for (let column = 0; column < view.columns; column++, index++) {
      const value = values[index]!;
      for (let r = 0, at = column * rank; r < rank; r++, at++) product[start + r]! += value * right[at]!;
    }
  }
  return product;
}

/** Adds `transposed matrix * left` to `product`, which is zero. */
function multiplyTransposed(
  values: Float32Array,
  view: MatrixView,
  left: Float64Array,
  rank: number,
  product: Float64Array,
): void {
  for (let row = 0, index = view.offset; row < view.rows; row++) {
    const start = row * rank;
    for (let column = 0; column < view.columns; column++, index++) {
      const value = values[index]!;
      for (let r = 0, at = column * rank; r < rank; r++, at++) product[at]! += value * left[start + r]!;
    }
  }
}

/** Rounds the left factor to codes, and to what they stand for. */
function quantiseLeft(left: Float64Array, codes: Int16Array): void {
  for (let index = 0; index < left.length; index++) {
    const code = Math.min(Math.max(Math.round(left[index]! / leftScale), -codeMax), codeMax);
    codes[index] = code;
    left[index] = code * leftScale;
  }
}

/** The smallest scale that reaches every value of a column. @throws GradswarmError `notFinite`. */
function scaleByteOfColumn(right: Float64Array, rank: number, column: number): number {
  let largest = 0;
  for (let index = column; index < right.length; index += rank) {
    largest = Math.max(largest, Math.abs(right[index]!));
  }
  let byte = 0;
  while (byte <= factorScaleByteMax && !(codeMax * scales[byte]! >= largest)) byte++;
  if (byte <= factorScaleByteMax) return byte;
  throw new GradswarmError('notFinite', 'The vector holds values beyond 1e32.');
}

function quantiseRight(right: Float64Array, rank: number, codes: Int16Array, scaleBytes: Uint8Array): void {
  for (let column = 0; column < rank; column++) {
    const byte = scaleByteOfColumn(right, rank, column);
    scaleBytes[column] = byte;
    const inverse = 1 / scales[byte]!;
    for (let index = column; index < right.length; index += rank) {
      codes[index] = Math.round(right[index]! * inverse);
    }
  }
}

/** One step of subspace iteration; `right` is the start and becomes the next one. */
function factor(
  values: Float32Array,
  matrix: FactoredMatrix,
  right: Float64Array,
  seed: number,
  parts: Parts,
): void {
  const { rows, rank, firstCode, firstScale } = matrix;
  fillZeroColumns(right, rank, seed);
  const left = multiply(values, matrix, right, rank);
  orthonormalise(left, rank);
  const rightCodes = firstCode + rows * rank;
  quantiseLeft(left, parts.codes.subarray(firstCode, rightCodes));
  right.fill(0);
  multiplyTransposed(values, matrix, left, rank, right);
  quantiseRight(
    right,
    rank,
    parts.codes.subarray(rightCodes, rightCodes + right.length),
    parts.scaleBytes.subarray(firstScale, firstScale + rank),
  );
}

/** The product row by row: exact products of codes, added in one order, rounded once to float32. */
function readMatrix(matrix: FactoredMatrix, { codes, scaleBytes }: Parts, take: TakePiece): void {
  const { offset, rows, columns, rank, firstCode, firstScale } = matrix;
  const right = codes.subarray(firstCode + rows * rank, firstCode + (rows + columns) * rank);
  const left = new Float64Array(rank);
  const values = new Float32Array(columns);
  for (let row = 0; row < rows; row++) {
    for (let r = 0; r < rank; r++) {
      left[r] = codes[firstCode + row * rank + r]! * leftScale * scales[scaleBytes[firstScale + r]!]!;
    }
    for (let column = 0, at = 0; column < columns; column++) {
      let sum = 0;
      for (let r = 0; r < rank; r++, at++) sum += left[r]! * right[at]!;
      values[column] = sum;
    }
    take(offset + row * columns, values);
  }
}

function createReader(layout: Layout): PieceReader {
  return {
    check(payload) {
      layout.plain.check(payload);
      const { scaleBytes } = partsOf(payload, layout);
      for (let index = 0; index < scaleBytes.length; index++) {
        if (scaleBytes[index]! > factorScaleByteMax) {
          throw malformed(
            `Scale byte ${scaleBytes[index]} is off the grid: the largest is ${factorScaleByteMax}.`,
          );
        }
      }
    },
    read(payload, take) {
      layout.plain.read(payload, take);
      const parts = partsOf(payload, layout);
      for (const matrix of layout.matrices) readMatrix(matrix, parts, take);
    },
  };
}

/**
 * Every matrix as a product of two thin ones (Vogels, Karimireddy and Jaggi 2019): the left factor has orthonormal
 * columns, the right one is the matrix seen through them. Both are sent as 16-bit codes, so that decoding needs no
 * state. What an encoder remembers are its last right factors, from which the next iteration starts; a matrix whose
 * factors would be no shorter, a vector, and a statistic are sent as float32.
 */
export function createPowersgd(spec: CodecSpecOf<'powersgd'>, manifest: ParameterManifest): Codec {
  const layout = layOut(spec.rank, manifest);
  const encodedBytes = layout.plain.bytes + 2 * layout.codes + layout.scales;
  const startEncoding = (): Codec['encode'] => {
    const rights = layout.matrices.map(({ columns, rank }) => new Float64Array(columns * rank));
    return (values, seed) => {
      assert(values.length === manifest.length, 'a vector has the length of its codec');
      finiteSquaredNorm(values);
      const payload = new Uint8Array(encodedBytes);
      layout.plain.write(values, payload);
      const parts = partsOf(payload, layout);
      for (const [index, matrix] of layout.matrices.entries()) {
        factor(values, matrix, rights[index]!, seed, parts);
      }
      return payload;
    };
  };
  return {
    spec,
    lossless: false,
    isBiased: true,
    encodedBytes,
    encode: (values, seed) => startEncoding()(values, seed),
    startEncoding,
    ...piecewise({ spec, encodedBytes }, createReader(layout)),
  };
}
