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
/** Lanes begin at multiples of this, and the accumulator is padded to one, so that kernels need no loop for the rest. */
const columnsMultiple = tileBytes;
/**
 * A tile and two cache lines: room for its scales or for a start at an odd address, and rows do not compete for the
 * same sets of the cache.
 */
export const rowBytes = tileBytes + 128;

const pageBytes = 65_536;
/** What a lane needs beside the accumulator. The zeros stay zero; the scratch begins with zeros that stay. */
const offsets = { rows: 0, state: 1_024, scratch: 4_096, zeros: 8_192, staging: 8_192 + rowBytes } as const;
const laneBytes = offsets.staging + rowsMax * rowBytes;

/** Addresses in the memory of a sum. */
export type LaneAddresses = { readonly [Name in keyof typeof offsets | 'accumulator']: number };

/** Part of a sum's work: the kernels on the sum's memory, a place to work in, and a range of the columns. */
export interface SumLane {
  readonly kernels: SumKernels;
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  /** All of it; the same memory as the rest. */
  readonly accumulator: Float64Array;
  readonly at: LaneAddresses;
  readonly start: number;
  readonly end: number;
  /** Copies to shared memory are fast only between addresses that are equal modulo this. */
  readonly copyAlignment: number;
}

/** A range of a sum's columns that one thread works on. */
export interface LanePlace {
  readonly memory: WebAssembly.Memory;
  /** Of the accumulator. */
  readonly length: number;
  readonly lane: number;
  readonly lanes: number;
}

function compile(names: readonly (keyof typeof kernelsBinary)[]): WebAssembly.Module[] {
  return names.map((name) => new WebAssembly.Module(Buffer.from(kernelsBinary[name], 'base64')));
}

const modules = compile(['float32', 'int8']);
const sharedModules = compile(['float32Shared', 'int8Shared']);

/** With several lanes the memory is shared, so that each can be worked on by a thread of its own. */
export function createSumMemory(length: number, lanes = 1): WebAssembly.Memory {
  const padded = Math.ceil(length / columnsMultiple) * columnsMultiple;
  const pages = Math.ceil((lanes * laneBytes + 8 * padded) / pageBytes);
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: lanes > 1 });
}

export function openLane({ memory, length, lane, lanes }: LanePlace): SumLane {
  const { buffer } = memory;
  const instances = (lanes > 1 ? sharedModules : modules).map(
    (module) => new WebAssembly.Instance(module, { env: { memory } }),
  );
  const base = lane * laneBytes;
  const at = (name: keyof typeof offsets): number => base + offsets[name];
  const accumulator = lanes * laneBytes;
  const columns = Math.ceil(length / columnsMultiple / lanes) * columnsMultiple;
  return {
    kernels: Object.assign({}, ...instances.map(({ exports }) => exports)) as SumKernels,
    bytes: new Uint8Array(buffer),
    words: new Int32Array(buffer),
    doubles: new Float64Array(buffer),
    accumulator: new Float64Array(buffer, accumulator, length),
    at: {
      rows: at('rows'),
      state: at('state'),
      scratch: at('scratch'),
      zeros: at('zeros'),
      staging: at('staging'),
      accumulator,
    },
    start: Math.min(lane * columns, length),
    end: Math.min((lane + 1) * columns, length),
    copyAlignment: lanes > 1 ? 8 : 1,
  };
}

assert(
  rowsMax <= 64 && laneBytes % 64 === 0,
  'kernels have room for the rows, and accumulators begin at cache lines',
);
