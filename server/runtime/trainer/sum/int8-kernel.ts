import { int8BlockLength } from '../../../../shared/codec/int8.ts';
import type { HeldPayload, SumKernel } from './sum-kernel.ts';
import { rowBytes, type SumLane, tileBytes } from './sum-memory.ts';

const tileBlocks = tileBytes / int8BlockLength;

/** Copies scale bytes of a payload to `to`, and the codes of their blocks behind. Returns where the codes begin. */
function stage(lane: SumLane, payload: Uint8Array, block: number, end: number, to: number): number {
  const { bytes, accumulator, copyAlignment } = lane;
  const { length } = accumulator;
  const codes = Math.ceil(length / int8BlockLength) + int8BlockLength * block;
  const count = Math.min(int8BlockLength * end, length) - int8BlockLength * block;
  const codesTo = to + tileBlocks + ((payload.byteOffset + codes) % copyAlignment);
  bytes.set(payload.subarray(block, end), to);
  bytes.set(payload.subarray(codes, codes + count), codesTo);
  const missing = int8BlockLength * (end - block) - count;
  if (missing > 0) bytes.fill(0, codesTo + count, codesTo + count + missing);
  return codesTo;
}

/** The most that the largest weight may be shifted to the left without leaving 15 bits. */
function shiftMaxOf(held: readonly HeldPayload[]): number {
  const weightMax = held.reduce((most, { weight }) => Math.max(most, weight), 1);
  return Math.clz32(weightMax) - 17;
}

export const int8Kernel: SumKernel = {
  check(lane, payload) {
    const blocks = Math.ceil(lane.accumulator.length / int8BlockLength);
    const scaleBytes = lane.at.staging;
    let squaredNorm = 0;
    for (let block = 0; block < blocks; block += tileBlocks) {
      const end = Math.min(block + tileBlocks, blocks);
      const codes = stage(lane, payload, block, end, scaleBytes);
      squaredNorm = lane.kernels.squareInt8(codes, scaleBytes, end - block, squaredNorm);
    }
    return { squaredNorm, isBounded: true };
  },
  add(lane, held) {
    const { kernels, words, at } = lane;
    const blocks = Math.ceil(lane.end / int8BlockLength);
    const shiftMax = shiftMaxOf(held);
    for (let block = lane.start / int8BlockLength; int8BlockLength * block < lane.end; block += tileBlocks) {
      const end = Math.min(block + tileBlocks, blocks);
      held.forEach(({ payload, weight }, index) => {
        const scaleBytes = at.staging + rowBytes * index;
        const entry = (at.rows + 16 * index) >> 2;
        words[entry] = stage(lane, payload, block, end, scaleBytes);
        words[entry + 1] = scaleBytes;
        words[entry + 2] = weight;
      });
      const to = at.accumulator + 8 * int8BlockLength * block;
      kernels.addInt8(to, at.rows, held.length, end - block, shiftMax, at.scratch);
    }
  },
};
