import { GradswarmError } from '../base/errors.ts';
import type { Batch } from './batch.ts';
import { type BatchMemory, freshMemory } from './batch-memory.ts';
import type { Column, ColumnType, DatasetManifest, RecordDataset, Shard } from './dataset-manifest.ts';
import type { SampleLocation } from './sampling.ts';

type ColumnValues = Uint8Array | Uint16Array | Float32Array;

/** A shard's bytes as typed columns; views where the bytes are aligned, copies where they are not. */
export type OpenedShard =
  | {
      readonly kind: 'records';
      readonly count: number;
      readonly input: ColumnValues;
      readonly target: ColumnValues;
    }
  | { readonly kind: 'tokens'; readonly count: number; readonly tokens: Uint16Array };

const bytesPerValue: Readonly<Record<ColumnType, number>> = { uint8: 1, uint16: 2, float32: 4 };

/** Values of one record's column. */
export function columnWidth(column: Column): number {
  return column.shape.reduce((product, dimension) => product * dimension, 1);
}

/** Bytes that a shard of `count` records or tokens must have. */
export function shardBytes(dataset: DatasetManifest, count: number): number {
  if (dataset.kind === 'tokens') return count * bytesPerValue.uint16;
  return count * (columnBytes(dataset.input) + columnBytes(dataset.target));
}

/** @throws GradswarmError `dataInvalid` when the length is not that of the manifest. */
export function openShard(dataset: DatasetManifest, shard: Shard, bytes: Uint8Array): OpenedShard {
  const expected = shardBytes(dataset, shard.count);
  if (bytes.length !== expected) {
    throw new GradswarmError(
      'dataInvalid',
      `Shard ${shard.hash} of data set ${dataset.name} has ${bytes.length} bytes; ${shard.count} ` +
        `${dataset.kind} take ${expected}. Import the data set again.`,
    );
  }
  if (dataset.kind === 'tokens') {
    const tokens = new Uint16Array(alignedBuffer(bytes, 2), alignedOffset(bytes, 2), shard.count);
    return { kind: 'tokens', count: shard.count, tokens };
  }
  const split = shard.count * columnBytes(dataset.input);
  return {
    kind: 'records',
    count: shard.count,
    input: viewColumn(dataset.input, bytes.subarray(0, split)),
    target: viewColumn(dataset.target, bytes.subarray(split)),
  };
}

/**
 * Gathers samples into one batch: inputs as `float32(stored * scale + offset)`, class indices as integers, token
 * windows with their successors. `context` is ignored for records; the arrays come from `memory`.
 * @throws GradswarmError `dataInvalid` when a label or token is out of range.
 */
export function assembleBatch(
  dataset: DatasetManifest,
  context: number,
  shards: ReadonlyMap<number, OpenedShard>,
  samples: readonly SampleLocation[],
  memory: BatchMemory = freshMemory,
): Batch {
  return dataset.kind === 'tokens'
    ? assembleWindows(dataset.vocabularySize, context, shards, samples, memory)
    : assembleRecords(dataset, shards, samples, memory);
}

function assembleRecords(
  dataset: RecordDataset,
  shards: ReadonlyMap<number, OpenedShard>,
  samples: readonly SampleLocation[],
  memory: BatchMemory,
): Batch {
  const { input, target, task } = dataset;
  const count = samples.length;
  const width = columnWidth(input);
  const targets = columnWidth(target);
  const copyInput = recordCopier(input);
  const copyTarget = recordCopier(target);
  const x = memory.floats(count * width);
  const y = task === 'classification' ? memory.integers(count) : memory.floats(count * targets);
  samples.forEach(({ shard, index }, row) => {
    const opened = shards.get(shard);
    if (opened?.kind !== 'records' || index >= opened.count) throw missingSample(shard, index);
    copyInput(opened.input, index * width, x, row * width);
    if (task === 'classification') {
      y[row] = checkedClass(opened.target[index] ?? Number.NaN, dataset.outputSize, index);
    } else {
      copyTarget(opened.target, index * targets, y, row * targets);
    }
  });
  const yShape = task === 'classification' ? [count] : [count, targets];
  return { x, xShape: [count, ...input.shape], y, yShape, count };
}

function assembleWindows(
  vocabularySize: number,
  context: number,
  shards: ReadonlyMap<number, OpenedShard>,
  samples: readonly SampleLocation[],
  memory: BatchMemory,
): Batch {
  const count = samples.length;
  const x = memory.integers(count * context);
  const y = memory.integers(count * context);
  samples.forEach(({ shard, index }, row) => {
    const opened = shards.get(shard);
    if (opened?.kind !== 'tokens' || index + context >= opened.count) throw missingSample(shard, index);
    const { tokens } = opened;
    for (let place = 0; place <= context; place++) {
      const token = tokens[index + place]!;
      if (token >= vocabularySize) {
        throw new GradswarmError(
          'dataInvalid',
          `Token ${token} is outside the vocabulary of ${vocabularySize}.`,
        );
      }
    }
    x.set(tokens.subarray(index, index + context), row * context);
    y.set(tokens.subarray(index + 1, index + context + 1), row * context);
  });
  return { x, xShape: [count, context], y, yShape: [count, context], count };
}

type CopyRecord = (
  source: ColumnValues,
  sourceStart: number,
  target: Float32Array | Int32Array,
  targetStart: number,
) => void;

/** Copies one record's value as `float32(stored * scale + offset)`. A byte has 256 values, so they are computed once. */
function recordCopier(column: Column): CopyRecord {
  const { type, scale, offset } = column;
  const width = columnWidth(column);
  if (type === 'uint8') return byteCopier(column, width);
  if (type === 'float32' && scale === 1 && offset === 0) {
    return (source, sourceStart, target, targetStart) =>
      target.set(source.subarray(sourceStart, sourceStart + width), targetStart);
  }
  return (source, sourceStart, target, targetStart) => {
    for (let index = 0; index < width; index++) {
      target[targetStart + index] = source[sourceStart + index]! * scale + offset;
    }
  };
}

function byteCopier({ scale, offset }: Column, width: number): CopyRecord {
  const values = Float32Array.from({ length: 256 }, (_, stored) => stored * scale + offset);
  return (source, sourceStart, target, targetStart) =>
    lookUp(
      values,
      source.subarray(sourceStart, sourceStart + width),
      target.subarray(targetStart, targetStart + width),
    );
}

/** The hot loop of images: four at a time, which is twice as fast. */
function lookUp(values: Float32Array, bytes: ColumnValues, target: Float32Array | Int32Array): void {
  const { length } = bytes;
  let index = 0;
  for (; index + 4 <= length; index += 4) {
    target[index] = values[bytes[index]!]!;
    target[index + 1] = values[bytes[index + 1]!]!;
    target[index + 2] = values[bytes[index + 2]!]!;
    target[index + 3] = values[bytes[index + 3]!]!;
  }
  for (; index < length; index++) target[index] = values[bytes[index]!]!;
}

function columnBytes(column: Column): number {
  return columnWidth(column) * bytesPerValue[column.type];
}

/** Little-endian hosts only, as every WebAssembly and WebGPU platform is. */
function viewColumn(column: Column, bytes: Uint8Array): ColumnValues {
  const size = bytesPerValue[column.type];
  const buffer = alignedBuffer(bytes, size);
  const offset = alignedOffset(bytes, size);
  const length = bytes.length / size;
  switch (column.type) {
    case 'uint8':
      return new Uint8Array(buffer, offset, length);
    case 'uint16':
      return new Uint16Array(buffer, offset, length);
    case 'float32':
      return new Float32Array(buffer, offset, length);
  }
}

function alignedBuffer(bytes: Uint8Array, size: number): ArrayBufferLike {
  return bytes.byteOffset % size === 0 ? bytes.buffer : bytes.slice().buffer;
}

function alignedOffset(bytes: Uint8Array, size: number): number {
  return bytes.byteOffset % size === 0 ? bytes.byteOffset : 0;
}

function checkedClass(label: number, classes: number, index: number): number {
  if (label < classes && Number.isInteger(label)) return label;
  throw new GradswarmError(
    'dataInvalid',
    `Record ${index} has class ${label}; there are ${classes} classes.`,
  );
}

function missingSample(shard: number, index: number): GradswarmError {
  return new GradswarmError('dataInvalid', `Sample ${index} is not in shard ${shard}.`);
}
