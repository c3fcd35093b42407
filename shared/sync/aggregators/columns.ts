const blockLength = 1_024;

/**
 * Writes into every place of `target` what `reduce` makes of the sorted values that the vectors have there. The column
 * is used again for the next place. Blocks are transposed, so that many vectors do not fight for the cache.
 */
export function reduceSortedColumns(
  vectors: readonly Float32Array[],
  target: Float32Array,
  reduce: (sorted: Float64Array) => number,
): void {
  const members = vectors.length;
  const block = new Float64Array(members * blockLength);
  for (let start = 0; start < target.length; start += blockLength) {
    const length = Math.min(blockLength, target.length - start);
    for (let member = 0; member < members; member++) {
      const vector = vectors[member]!;
      // Adding zero makes one zero of the two, so that equal values are equal bits.
      for (let index = 0; index < length; index++)
        block[index * members + member] = vector[start + index]! + 0;
    }
    for (let index = 0; index < length; index++) {
      const column = block.subarray(index * members, (index + 1) * members);
      sortNumbers(column);
      target[start + index] = reduce(column);
    }
  }
}

/** Short columns are the usual ones, and there a call of the engine's sort costs more than the sorting. */
export function sortNumbers(values: Float64Array): void {
  if (values.length > 48) {
    values.sort();
    return;
  }
  for (let next = 1; next < values.length; next++) {
    const value = values[next]!;
    let place = next;
    for (; place > 0 && values[place - 1]! > value; place--) values[place] = values[place - 1]!;
    values[place] = value;
  }
}

/** Of sorted values, at least one: the middle one, or halfway between the two in the middle. */
export function middleOf(sorted: Float64Array): number {
  const upper = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[upper]!;
  return (sorted[upper - 1]! + sorted[upper]!) / 2;
}

/** The mean of `sorted[start, end)`, added from the smallest on. */
export function meanOfRange(sorted: Float64Array, start: number, end: number): number {
  let sum = 0;
  for (let index = start; index < end; index++) sum += sorted[index]!;
  return sum / (end - start);
}
