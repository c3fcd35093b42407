import { assert } from '../../../../shared/base/assert.ts';
import { kernelsBinary } from './kernels-binary.ts';

/** Functions of the .wat files; arguments are pointers and counts where nothing else is said. */
export interface SumKernels {
  addFloat32(accumulator: number, pairs: number, pairCount: number, columns: number): void;
  addClippedFloat32(accumulator: number, pairs: number, pairCount: number, columns: number): void;
  squareFloat32(values: number, count: number, state: number): void;
  addInt8(
    accumulator: number,
    rows: number,
    rowCount: number,
    blocks: number,
    shiftMax: number,
    scratch: number,
  ): void;
  squareInt8(codes: number, scaleBytes: number, blocks: number, sum: number): number;
}

/**
 * Payload bytes of each contribution that are summed before the next ones, so that their accumulators stay in the
 * second-level cache. Shorter pieces cost more to copy: the processor has to begin a stream anew for each.
 */
export const tileBytes = 16_384;
/** Contributions that are added at once. The kernels' integers hold 64. */
export const rowsMax = 32;
/** The accumulator is padded to a multiple of this, so that kernels need no loop for the rest. */
const columnsMultiple = 256;
/** A tile and one cache line, so that rows do not compete for the same sets of the cache. */
export const rowBytes = tileBytes + 64;

const pageBytes = 65_536;
/** Where things are in the memory of a sum. The zeros stay zero; the scratch begins with zeros that stay. */
export const layout = {
  rows: 0,
  state: 1_024,
  scratch: 4_096,
  zeros: 8_192,
  staging: 8_192 + rowBytes,
  accumulator: 8_192 + (rowsMax + 1) * rowBytes,
} as const;

/** One accumulator in a memory of its own, with the kernels that work on it. */
export interface SumMemory {
  readonly kernels: SumKernels;
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  /** The accumulator; the same memory as the rest. */
  readonly accumulator: Float64Array;
}

const modules = Object.values(kernelsBinary).map(
  (base64) => new WebAssembly.Module(Buffer.from(base64, 'base64')),
);

export function createSumMemory(length: number): SumMemory {
  const padded = Math.ceil(length / columnsMultiple) * columnsMultiple;
  const pages = Math.ceil((layout.accumulator + 8 * padded) / pageBytes);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const instances = modules.map((module) => new WebAssembly.Instance(module, { env: { memory } }));
  return {
    kernels: Object.assign({}, ...instances.map(({ exports }) => exports)) as SumKernels,
    bytes: new Uint8Array(memory.buffer),
    words: new Int32Array(memory.buffer),
    doubles: new Float64Array(memory.buffer),
    accumulator: new Float64Array(memory.buffer, layout.accumulator, length),
  };
}

assert(
  rowsMax <= 64 && layout.accumulator % 64 === 0,
  'a sum fits its rows, and cache lines its accumulator',
);
