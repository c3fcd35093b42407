import fc from 'fast-check';
import { expect, test } from 'vitest';
import { orthonormalise } from '../../../../shared/codec/orthonormalise.ts';

function product(matrix: Float64Array, columns: number, left: number, right: number): number {
  let sum = 0;
  for (let start = 0; start < matrix.length; start += columns)
    sum += matrix[start + left]! * matrix[start + right]!;
  return sum;
}

test('columns become orthonormal, or zero where they depend on earlier ones', () => {
  fc.assert(
    fc.property(
      fc
        .integer({ min: 1, max: 6 })
        .chain((columns) =>
          fc.tuple(
            fc.constant(columns),
            fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 8 * columns, maxLength: 8 * columns }),
          ),
        ),
      ([columns, entries]) => {
        const matrix = Float64Array.from(entries);
        orthonormalise(matrix, columns);
        for (let left = 0; left < columns; left++) {
          const square = product(matrix, columns, left, left);
          if (square !== 0) expect(square).toBeCloseTo(1, 12);
          for (let right = 0; right < left; right++) {
            expect(Math.abs(product(matrix, columns, left, right))).toBeLessThan(1e-12);
          }
        }
      },
    ),
  );
});

test('the columns span what they spanned', () => {
  const matrix = Float64Array.of(3, 6, 1, 0, 0, 1, 4, 8, 2);
  const before = matrix.slice();
  orthonormalise(matrix, 3);
  for (const [row, value] of [0.6, 0, 0.8].entries()) expect(matrix[3 * row]).toBeCloseTo(value, 15);
  // The second column is twice the first.
  expect([1, 4, 7].map((start) => Math.abs(matrix[start]!))).toEqual([0, 0, 0]);
  const along = [0, 2].map((column) => {
    let sum = 0;
    for (let row = 0; row < 3; row++) sum += before[3 * row + 2]! * matrix[3 * row + column]!;
    return sum;
  });
  for (let row = 0; row < 3; row++) {
    const rebuilt = along[0]! * matrix[3 * row]! + along[1]! * matrix[3 * row + 2]!;
    expect(rebuilt).toBeCloseTo(before[3 * row + 2]!, 12);
  }
});
