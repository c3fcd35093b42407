import { int8BlockLength } from '../../../../shared/codec/int8.ts';
import type { HeldPayload, SumKernel } from './sum-kernel.ts';
import { layout, rowBytes, type SumMemory, tileBytes } from './sum-memory.ts';

const tileBlocks = tileBytes / int8BlockLength;

/** Copies blocks of a payload: their codes, zeros up to a whole block, then at `tileBytes` their scale bytes. */
function stage(
  bytes: Uint8Array,
  payload: Uint8Array,
  length: number,
  block: number,
  end: number,
  to: number,
): void {
  const codes = Math.ceil(length / int8BlockLength) + int8BlockLength * block;
  const count = Math.min(int8BlockLength * end, length) - int8BlockLength * block;
  bytes.set(payload.subarray(codes, codes + count), to);
  bytes.fill(0, to + count, to + int8BlockLength * (end - block));
  bytes.set(payload.subarray(block, end), to + tileBytes);
}

/** The most that the largest weight may be shifted to the left without leaving 15 bits. */
function shiftMaxOf(held: readonly HeldPayload[]): number {
  const weightMax = held.reduce((most, { weight }) => Math.max(most, weight), 1);
  return Math.clz32(weightMax) - 17;
}

export const int8Kernel: SumKernel = {
  check({ kernels, bytes, accumulator }, payload) {
    const { length } = accumulator;
    const blocks = Math.ceil(length / int8BlockLength);
    let squaredNorm = 0;
    for (let block = 0; block < blocks; block += tileBlocks) {
      const end = Math.min(block + tileBlocks, blocks);
      stage(bytes, payload, length, block, end, layout.staging);
      const scaleBytes = layout.staging + tileBytes;
      squaredNorm = kernels.squareInt8(layout.staging, scaleBytes, end - block, squaredNorm);
    }
    return { squaredNorm, isBounded: true };
  },
  add({ kernels, bytes, words, accumulator }: SumMemory, held) {
    const { length } = accumulator;
    const blocks = Math.ceil(length / int8BlockLength);
    const { rows, scratch, staging } = layout;
    const shiftMax = shiftMaxOf(held);
    held.forEach(({ weight }, index) => {
      const entry = (rows + 16 * index) >> 2;
      words[entry] = staging + rowBytes * index;
      words[entry + 1] = staging + rowBytes * index + tileBytes;
      words[entry + 2] = weight;
    });
    for (let block = 0; block < blocks; block += tileBlocks) {
      const end = Math.min(block + tileBlocks, blocks);
      for (const [index, { payload }] of held.entries()) {
        stage(bytes, payload, length, block, end, staging + rowBytes * index);
      }
      const to = layout.accumulator + 8 * int8BlockLength * block;
      kernels.addInt8(to, rows, held.length, end - block, shiftMax, scratch);
    }
  },
};
