import { describe, expect, it } from 'vitest';
import { asBlobHash } from '../../../../shared/base/ids.ts';
import { assembleBatch, openShard, shardBytes } from '../../../../shared/data/assemble.ts';
import { freshMemory } from '../../../../shared/data/batch-memory.ts';
import type { Column, RecordDataset, TokenDataset } from '../../../../shared/data/dataset-manifest.ts';

const pixel: Column = { type: 'uint8', shape: [3], scale: 1 / 255, offset: 0 };
const label: Column = { type: 'uint16', shape: [], scale: 1, offset: 0 };
const hash = asBlobHash('0'.repeat(64));
const noShards = { shards: [], count: 0 };

function records(changes: Partial<RecordDataset>): RecordDataset {
  return {
    kind: 'records',
    name: 'pixels',
    title: 'Pixels',
    source: 'made here',
    train: noShards,
    test: noShards,
    task: 'classification',
    input: pixel,
    target: label,
    outputSize: 300,
    ...changes,
  };
}

const words: TokenDataset = {
  kind: 'tokens',
  name: 'words',
  title: 'Words',
  source: 'made here',
  train: noShards,
  test: noShards,
  vocabularySize: 8,
  tokenizer: { kind: 'characters', characters: [...'abcdefgh'] },
};

function bytesOf(...parts: readonly (Uint8Array | Uint16Array | Float32Array)[]): Uint8Array {
  return new Uint8Array(
    parts.flatMap((part) => [...new Uint8Array(part.buffer, part.byteOffset, part.byteLength)]),
  );
}

describe('records', () => {
  const dataset = records({});
  // Nine bytes of pixels put the labels at an odd offset.
  const bytes = bytesOf(new Uint8Array([0, 51, 255, 1, 2, 3, 255, 0, 0]), new Uint16Array([7, 299, 256]));
  const shard = { hash, count: 3, bytes: bytes.length };

  it('become scaled float32 inputs and integer classes', () => {
    const opened = openShard(dataset, shard, bytes);
    const batch = assembleBatch(dataset, 0, new Map([[2, opened]]), [
      { shard: 2, index: 2 },
      { shard: 2, index: 0 },
    ]);
    expect(batch.x).toEqual(new Float32Array([1, 0, 0, 0, 51 / 255, 1]));
    expect(batch.xShape).toEqual([2, 3]);
    expect(batch.y).toEqual(new Int32Array([256, 7]));
    expect(batch.yShape).toEqual([2]);
    expect(batch.count).toBe(2);
  });

  it('overwrite every value of memory that was used before', () => {
    const used = {
      ...freshMemory,
      floats: (length: number) => new Float32Array(length).fill(9),
      integers: (length: number) => new Int32Array(length).fill(9),
    };
    const samples = [{ shard: 0, index: 1 }];
    const shards = new Map([[0, openShard(dataset, shard, bytes)]]);
    expect(assembleBatch(dataset, 0, shards, samples, used)).toEqual(
      assembleBatch(dataset, 0, shards, samples),
    );
    const windows = new Map([
      [0, openShard(words, { hash, count: 6, bytes: 12 }, bytesOf(new Uint16Array([0, 1, 2, 3, 4, 5])))],
    ]);
    expect(assembleBatch(words, 3, windows, samples, used)).toEqual(
      assembleBatch(words, 3, windows, samples),
    );
  });

  it('are read from bytes at any offset', () => {
    const shifted = new Uint8Array(bytes.length + 1);
    shifted.set(bytes, 1);
    expect(openShard(dataset, shard, shifted.subarray(1))).toEqual(openShard(dataset, shard, bytes));
  });

  it('keep regression targets as floats of their shape', () => {
    const regression = records({
      task: 'regression',
      input: { type: 'float32', shape: [1], scale: 1, offset: 0 },
      target: { type: 'float32', shape: [2], scale: 2, offset: 1 },
      outputSize: 2,
    });
    const opened = openShard(
      regression,
      { hash, count: 1, bytes: 12 },
      bytesOf(new Float32Array([0.5, 3, -1])),
    );
    const batch = assembleBatch(regression, 0, new Map([[0, opened]]), [{ shard: 0, index: 0 }]);
    expect(batch.x).toEqual(new Float32Array([0.5]));
    expect(batch.y).toEqual(new Float32Array([7, -1]));
    expect(batch.yShape).toEqual([1, 2]);
  });

  it('refuses a shard of another length, a class that does not exist and a sample that is not there', () => {
    expect(shardBytes(dataset, 3)).toBe(15);
    expect(() => openShard(dataset, shard, bytes.subarray(1))).toThrow(/has 14 bytes; 3 records take 15/);
    const opened = new Map([[0, openShard(dataset, shard, bytes)]]);
    const few = records({ outputSize: 299 });
    expect(() => assembleBatch(few, 0, opened, [{ shard: 0, index: 1 }])).toThrow(/class 299; there are 299/);
    expect(() => assembleBatch(dataset, 0, opened, [{ shard: 0, index: 3 }])).toThrow(
      /Sample 3 is not in shard 0/,
    );
    expect(() => assembleBatch(dataset, 0, opened, [{ shard: 1, index: 0 }])).toThrow(/shard 1/);
  });
});

describe('token windows', () => {
  const bytes = bytesOf(new Uint16Array([0, 1, 2, 3, 4, 5]));
  const opened = new Map([[0, openShard(words, { hash, count: 6, bytes: 12 }, bytes)]]);

  it('hold the context and, one further, its successors', () => {
    const batch = assembleBatch(words, 3, opened, [
      { shard: 0, index: 2 },
      { shard: 0, index: 0 },
    ]);
    expect(batch.x).toEqual(new Int32Array([2, 3, 4, 0, 1, 2]));
    expect(batch.y).toEqual(new Int32Array([3, 4, 5, 1, 2, 3]));
    expect(batch.xShape).toEqual([2, 3]);
    expect(batch.yShape).toEqual([2, 3]);
  });

  it('refuses a window past the end and a token outside the vocabulary', () => {
    expect(() => assembleBatch(words, 3, opened, [{ shard: 0, index: 3 }])).toThrow(/Sample 3/);
    expect(() => assembleBatch({ ...words, vocabularySize: 5 }, 3, opened, [{ shard: 0, index: 2 }])).toThrow(
      /Token 5/,
    );
  });
});
