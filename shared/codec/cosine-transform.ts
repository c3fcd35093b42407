import { assert } from '../base/assert.ts';

/**
 * The orthonormal cosine transform (DCT-II) of small matrices. `Math.cos` may differ in its last bit between engines,
 * and coordinators must decode to the same bits; so the table is made of operations that IEEE 754 rounds exactly, and
 * all sums are taken in one fixed order.
 */

/** Enough for the last bit at the largest angle, pi / 4. */
const seriesTerms = 11;

/** Both series by Horner's rule: `1 - x^2 / (a * b) * (1 - x^2 / (c * d) * (...))`. */
function alternatingSeries(x: number, firstDivisor: number): number {
  let sum = 1;
  for (let divisor = firstDivisor + 2 * seriesTerms; divisor >= firstDivisor; divisor -= 2) {
    sum = 1 - ((x * x) / (divisor * (divisor + 1))) * sum;
  }
  return sum;
}

/** The cosine of `pi * numerator / denominator`, for integers; reduced exactly to an angle of at most pi / 4. */
export function cosineOfFraction(numerator: number, denominator: number): number {
  const full = 2 * denominator;
  const turned = numerator % full;
  const half = turned > denominator ? full - turned : turned;
  const isNegative = 2 * half > denominator;
  const quarter = isNegative ? denominator - half : half;
  const angle = (Math.PI * quarter) / denominator;
  const complement = (Math.PI * (denominator - 2 * quarter)) / full;
  const cosine =
    4 * quarter <= denominator ? alternatingSeries(angle, 1) : complement * alternatingSeries(complement, 2);
  return isNegative ? -cosine : cosine;
}

/** Row `u` is the basis vector of frequency `u`; the inverse of the matrix is its transpose. */
export function cosineTable(size: number): Float64Array {
  assert(Number.isInteger(size) && size >= 1, 'a transform has a size');
  const table = new Float64Array(size * size);
  for (let frequency = 0; frequency < size; frequency++) {
    const norm = Math.sqrt((frequency === 0 ? 1 : 2) / size);
    for (let index = 0; index < size; index++) {
      table[frequency * size + index] = norm * cosineOfFraction((2 * index + 1) * frequency, 2 * size);
    }
  }
  return table;
}

/** Transforms matrices of one shape, stored by rows. */
export interface CosineTransform {
  /** Coefficients of `values`, by frequency of the rows, then of the columns. */
  forward(values: Float64Array, coefficients: Float64Array): void;
  /** Cheap where most coefficients are zero. */
  inverse(coefficients: Float64Array, values: Float64Array): void;
}

export function createCosineTransform(rows: number, columns: number): CosineTransform {
  const rowTable = cosineTable(rows);
  const columnTable = rows === columns ? rowTable : cosineTable(columns);
  const between = new Float64Array(rows * columns);
  return {
    forward(values, coefficients) {
      for (let row = 0; row < rows; row++) {
        for (let frequency = 0; frequency < columns; frequency++) {
          between[row * columns + frequency] = dot(
            values,
            row * columns,
            columnTable,
            frequency * columns,
            columns,
          );
        }
      }
      coefficients.fill(0);
      for (let frequency = 0; frequency < rows; frequency++) {
        for (let row = 0; row < rows; row++) {
          const factor = rowTable[frequency * rows + row]!;
          addScaled(coefficients, frequency * columns, between, row * columns, factor, columns);
        }
      }
    },
    inverse(coefficients, values) {
      values.fill(0);
      const sums = between.subarray(0, columns);
      for (let frequency = 0; frequency < rows; frequency++) {
        if (!combineColumns(coefficients, frequency * columns, columnTable, sums)) continue;
        for (let row = 0; row < rows; row++) {
          addScaled(values, row * columns, sums, 0, rowTable[frequency * rows + row]!, columns);
        }
      }
    },
  };
}

/** Whether any coefficient of the row was not zero; then `sums` is the row's inverse transform. */
function combineColumns(
  coefficients: Float64Array,
  start: number,
  table: Float64Array,
  sums: Float64Array,
): boolean {
  const columns = sums.length;
  let isAny = false;
  for (let frequency = 0; frequency < columns; frequency++) {
    const coefficient = coefficients[start + frequency]!;
    if (coefficient === 0) continue;
    if (!isAny) sums.fill(0);
    isAny = true;
    addScaled(sums, 0, table, frequency * columns, coefficient, columns);
  }
  return isAny;
}

function dot(
  left: Float64Array,
  leftStart: number,
  right: Float64Array,
  rightStart: number,
  length: number,
): number {
  let sum = 0;
  for (let index = 0; index < length; index++) sum += left[leftStart + index]! * right[rightStart + index]!;
  return sum;
}

function addScaled(
  target: Float64Array,
  targetStart: number,
  source: Float64Array,
  sourceStart: number,
  factor: number,
  length: number,
): void {
  for (let index = 0; index < length; index++) {
    target[targetStart + index]! += factor * source[sourceStart + index]!;
  }
}
