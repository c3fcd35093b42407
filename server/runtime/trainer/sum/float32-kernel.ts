import type { HeldPayload, SumKernel } from './sum-kernel.ts';
import { rowBytes, type SumLane, tileBytes } from './sum-memory.ts';

const tileColumns = tileBytes / 4;

type Pair = readonly [HeldPayload, HeldPayload | undefined];

/** Rows of equal weight in twos; the kernel multiplies once for both. */
function pairsOf(held: readonly HeldPayload[]): Pair[] {
  const sorted = [...held].sort((left, right) => left.weight - right.weight);
  const pairs: Pair[] = [];
  for (let index = 0; index < sorted.length; ) {
    const first = sorted[index]!;
    const second = sorted[index + 1];
    const isPair = second?.weight === first.weight;
    pairs.push([first, isPair ? second : undefined]);
    index += isPair ? 2 : 1;
  }
  return pairs;
}

/** Copies a tile of every pair to the staging rows and lists it for the kernel; a missing partner is zeros. */
function stage(lane: SumLane, pairs: readonly Pair[], start: number, end: number): void {
  const { bytes, words, doubles, at, copyAlignment } = lane;
  let row = at.staging;
  const place = (held: HeldPayload | undefined): number => {
    if (held === undefined) return at.zeros;
    const pointer = row + (held.payload.byteOffset % copyAlignment);
    bytes.set(held.payload.subarray(4 * start, 4 * end), pointer);
    // The kernel takes columns by eights: what an earlier tile left behind the last one must not be added.
    if (end - start < tileColumns) bytes.fill(0, pointer + 4 * (end - start), pointer + 4 * tileColumns);
    row += rowBytes;
    return pointer;
  };
  pairs.forEach(([first, second], index) => {
    const entry = at.rows + 16 * index;
    words[entry >> 2] = place(first);
    words[(entry >> 2) + 1] = place(second);
    doubles[(entry >> 3) + 1] = first.weight;
  });
}

function addPairs(lane: SumLane, pairs: readonly Pair[], add: SumLane['kernels']['addFloat32']): void {
  if (pairs.length === 0) return;
  const { at } = lane;
  for (let start = lane.start; start < lane.end; start += tileColumns) {
    const end = Math.min(start + tileColumns, lane.end);
    stage(lane, pairs, start, end);
    add(at.accumulator + 8 * start, at.rows, pairs.length, Math.ceil((end - start) / 8) * 8);
  }
}

export const float32Kernel: SumKernel = {
  check({ kernels, bytes, doubles, at }, payload) {
    const state = at.state >> 3;
    doubles.fill(0, state, state + 6);
    let start = 0;
    const whole = payload.length - (payload.length % 16);
    while (start < whole) {
      const end = Math.min(start + 4 * tileColumns, whole);
      bytes.set(payload.subarray(start, end), at.staging);
      kernels.squareFloat32(at.staging, (end - start) / 4, at.state);
      start = end;
    }
    // The rest goes to the first lane, one value after the other, as the last four of a vector would not.
    const rest = new Float32Array(payload.slice(whole).buffer);
    let first = doubles[state]!;
    for (const value of rest) first += value * value;
    const squaredNorm = first + doubles[state + 1]! + (doubles[state + 2]! + doubles[state + 3]!);
    const magnitudes = new Float32Array(bytes.buffer, at.state + 32, 4);
    const isBounded = [...magnitudes, ...rest].every((value) => Math.abs(value) < 4);
    return { squaredNorm, isBounded };
  },
  add(lane, held) {
    const { addFloat32, addClippedFloat32 } = lane.kernels;
    const isBounded = (payload: HeldPayload): boolean => payload.isBounded;
    addPairs(lane, pairsOf(held.filter(isBounded)), addFloat32);
    const unbounded = held.filter((payload) => !isBounded(payload));
    addPairs(lane, pairsOf(unbounded), addClippedFloat32);
  },
};
