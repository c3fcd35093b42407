/** Squared Euclidean distance as a double; lanes as in `squaredNorm`. The same bits whichever of the two comes first. */
export function squaredDistance(left: Float32Array, right: Float32Array | Float64Array): number {
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  let index = 0;
  const { length } = left;
  for (; index + 4 <= length; index += 4) {
    const d0 = left[index]! - right[index]!;
    const d1 = left[index + 1]! - right[index + 1]!;
    const d2 = left[index + 2]! - right[index + 2]!;
    const d3 = left[index + 3]! - right[index + 3]!;
    a += d0 * d0;
    b += d1 * d1;
    c += d2 * d2;
    d += d3 * d3;
  }
  for (; index < length; index++) {
    const rest = left[index]! - right[index]!;
    a += rest * rest;
  }
  return a + b + (c + d);
}

/** Of every vector to every other, row by row. */
export function squaredDistances(vectors: readonly Float32Array[]): Float64Array {
  const { length } = vectors;
  const distances = new Float64Array(length * length);
  for (let row = 0; row < length; row++) {
    for (let column = row + 1; column < length; column++) {
      const distance = squaredDistance(vectors[row]!, vectors[column]!);
      distances[row * length + column] = distance;
      distances[column * length + row] = distance;
    }
  }
  return distances;
}

/** An order of vectors by their values alone: what decides between equal scores, whoever sent them. */
export function compareVectors(left: Float32Array, right: Float32Array): number {
  for (let index = 0; index < left.length; index++) {
    const difference = left[index]! - right[index]!;
    if (difference !== 0) return difference;
  }
  return 0;
}
