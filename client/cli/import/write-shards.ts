import { assert } from '../../../shared/base/assert.ts';
import { GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';
import type { Shard, Split } from '../../../shared/data/dataset-manifest.ts';
import type { ImportContext } from './import-context.ts';

/** Records side by side, little-endian: `inputBytes` of input each, and `targetBytes` of target each. */
export interface RecordTable {
  readonly inputBytes: number;
  readonly targetBytes: number;
  readonly inputs: Uint8Array;
  readonly targets: Uint8Array;
}

/** A manifest lists every shard, so very large data gets larger shards instead of more. */
const shardsPerSplit = 1_024;

/** Stores records in the given order; a shard holds the inputs of its records, then their targets. */
export async function writeRecordShards(
  table: RecordTable,
  order: Uint32Array,
  what: string,
  context: ImportContext,
): Promise<Split> {
  const recordBytes = table.inputBytes + table.targetBytes;
  const perShard = unitsPerShard(order.length, recordBytes);
  const shards: Shard[] = [];
  for (let start = 0; start < order.length; start += perShard) {
    await context.step(start / order.length, `Storing ${what}`);
    const records = order.subarray(start, start + perShard);
    const bytes = new Uint8Array(records.length * recordBytes);
    const targetStart = records.length * table.inputBytes;
    records.forEach((record, place) => {
      copyRow(table.inputs, record, table.inputBytes, bytes, place * table.inputBytes);
      copyRow(table.targets, record, table.targetBytes, bytes, targetStart + place * table.targetBytes);
    });
    shards.push({ hash: await context.sink.putShard(bytes), count: records.length, bytes: bytes.length });
  }
  return { shards, count: order.length };
}

/** Stores tokens as uint16, little-endian. */
export async function writeTokenShards(
  tokens: Uint16Array,
  what: string,
  context: ImportContext,
): Promise<Split> {
  const tokenBytes = Uint16Array.BYTES_PER_ELEMENT;
  const perShard = unitsPerShard(tokens.length, tokenBytes);
  const shards: Shard[] = [];
  for (let start = 0; start < tokens.length; start += perShard) {
    await context.step(start / tokens.length, `Storing ${what}`);
    const part = tokens.slice(start, start + perShard);
    const bytes = new Uint8Array(part.buffer);
    shards.push({ hash: await context.sink.putShard(bytes), count: part.length, bytes: bytes.length });
  }
  return { shards, count: tokens.length };
}

/** Shards of even size, so that no shard is a small rest. */
function unitsPerShard(units: number, unitBytes: number): number {
  if (unitBytes > limits.shardBytesMax) {
    throw new GradswarmError(
      'tooLarge',
      `One record has ${unitBytes} bytes; the limit is ${limits.shardBytesMax}. Use fewer columns or smaller images.`,
    );
  }
  const total = units * unitBytes;
  const shardBytes = Math.min(
    Math.max(limits.shardBytesTarget, total / shardsPerSplit),
    limits.shardBytesMax,
  );
  const shardCount = Math.max(Math.ceil(total / shardBytes), 1);
  const perShard = Math.min(Math.ceil(units / shardCount), Math.floor(limits.shardBytesMax / unitBytes));
  assert(perShard >= 1, 'a shard has room for a record');
  return perShard;
}

function copyRow(
  source: Uint8Array,
  row: number,
  rowBytes: number,
  target: Uint8Array,
  targetOffset: number,
): void {
  target.set(source.subarray(row * rowBytes, (row + 1) * rowBytes), targetOffset);
}

/** The bytes of a typed array, as shards hold them: every platform that runs this is little-endian. */
export function bytesOf(values: Float32Array | Uint16Array | Uint8Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
