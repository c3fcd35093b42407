/** A column this much shorter than it was before the others were taken out of it holds rounding errors only. */
const lossMax = 1e-6;

/**
 * Makes the columns of a matrix orthonormal in place (modified Gram-Schmidt, each column twice: Giraud et al. 2005).
 * A column that depends on those before it becomes zero.
 * @param matrix stored by rows, `columns` values each
 */
export function orthonormalise(matrix: Float64Array, columns: number): void {
  for (let column = 0; column < columns; column++) {
    const before = columnLength(matrix, columns, column);
    for (let pass = 0; pass < 2; pass++) {
      for (let other = 0; other < column; other++) takeOut(matrix, columns, column, other);
    }
    const length = columnLength(matrix, columns, column);
    const factor = length > lossMax * before ? 1 / length : 0;
    for (let index = column; index < matrix.length; index += columns) matrix[index]! *= factor;
  }
}

function takeOut(matrix: Float64Array, columns: number, column: number, other: number): void {
  let product = 0;
  for (let start = 0; start < matrix.length; start += columns) {
    product += matrix[start + column]! * matrix[start + other]!;
  }
  for (let start = 0; start < matrix.length; start += columns) {
    matrix[start + column]! -= product * matrix[start + other]!;
  }
}

export function columnLength(matrix: Float64Array, columns: number, column: number): number {
  let sum = 0;
  for (let index = column; index < matrix.length; index += columns) sum += matrix[index]! * matrix[index]!;
  return Math.sqrt(sum);
}
