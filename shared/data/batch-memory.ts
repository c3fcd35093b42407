import type { Batch } from './batch.ts';

/**
 * Where the arrays of batches come from. A batch is some hundred kilobytes to some megabytes: made anew for every unit,
 * they are most of what a worker leaves to its garbage collector, which then takes a tenth of a core.
 */
export interface BatchMemory {
  /** Contents are undefined: whoever asks writes every value. */
  floats(length: number): Float32Array;
  integers(length: number): Int32Array;
  /** The batch must not be used any more. */
  giveBack(batch: Batch): void;
}

export const freshMemory: BatchMemory = {
  floats: (length) => new Float32Array(length),
  integers: (length) => new Int32Array(length),
  giveBack() {},
};

/**
 * Keeps up to `arraysMax` arrays that were given back, the latest first.
 * @param allocate zeroed bytes for a new array; shared memory where another thread computes
 */
export function createBatchPool(
  arraysMax: number,
  allocate: (bytes: number) => ArrayBufferLike = (bytes) => new ArrayBuffer(bytes),
): BatchMemory {
  const kept: (Float32Array | Int32Array)[] = [];
  const takeKept = <Values extends Float32Array | Int32Array>(
    length: number,
    isWanted: (values: Float32Array | Int32Array) => values is Values,
  ): Values | undefined => {
    const found = kept.findLastIndex((values) => values.length === length && isWanted(values));
    const [values] = found === -1 ? [] : kept.splice(found, 1);
    return values !== undefined && isWanted(values) ? values : undefined;
  };
  return {
    floats: (length) =>
      takeKept(length, (values) => values instanceof Float32Array) ?? new Float32Array(allocate(4 * length)),
    integers: (length) =>
      takeKept(length, (values) => values instanceof Int32Array) ?? new Int32Array(allocate(4 * length)),
    giveBack({ x, y }) {
      kept.push(x, y);
      if (kept.length > arraysMax) kept.splice(0, kept.length - arraysMax);
    },
  };
}
