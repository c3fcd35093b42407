/**
 * Sum of the squares of `values[start, end)` as a double. Four lanes are summed side by side and joined in a fixed
 * order, so that every engine gives the same bits. The squares of float32 values are exact and cannot overflow: the
 * result is finite exactly when every value is.
 */
export function squaredNorm(values: Float32Array, start = 0, end = values.length): number {
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  let index = start;
  for (; index + 4 <= end; index += 4) {
    const v0 = values[index]!;
    const v1 = values[index + 1]!;
    const v2 = values[index + 2]!;
    const v3 = values[index + 3]!;
    a += v0 * v0;
    b += v1 * v1;
    c += v2 * v2;
    d += v3 * v3;
  }
  for (; index < end; index++) a += values[index]! * values[index]!;
  return a + b + (c + d);
}

/** Whether every value is strictly between -limit and limit; NaN is not. With `Infinity`: whether all are finite. */
export function isBounded(values: Float32Array, limit: number): boolean {
  for (let index = 0; index < values.length; index++) {
    if (!(Math.abs(values[index]!) < limit)) return false;
  }
  return true;
}
