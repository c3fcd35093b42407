import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect } from 'vitest';
import { importDataset } from '../../../../../client/cli/import/import-dataset.ts';
import type { ImportOptions } from '../../../../../client/cli/import/import-options.ts';
import { createMemoryBlobStore } from '../../../../../server/storage/memory-blob-store.ts';
import { assembleBatch, openShard } from '../../../../../shared/data/assemble.ts';
import type { Batch } from '../../../../../shared/data/batch.ts';
import type { DatasetManifest, Split } from '../../../../../shared/data/dataset-manifest.ts';

export interface Imported {
  readonly manifest: DatasetManifest;
  readonly progress: readonly number[];
  /** All records of a split, as a model would read them. */
  read(split: 'train' | 'test'): Batch;
  tokens(split: 'train' | 'test'): number[];
}

/** Every test gets an empty folder of its own. */
export function useFolder(): (path: string, content?: string | Uint8Array) => string {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'gradswarm-import-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  return (path, content) => {
    const target = join(folder, path);
    mkdirSync(dirname(target), { recursive: true });
    if (content !== undefined) writeFileSync(target, content);
    return target;
  };
}

export async function runImport(options: ImportOptions): Promise<Imported> {
  const store = createMemoryBlobStore();
  const progress: number[] = [];
  const sink = { putShard: async (bytes: Uint8Array) => store.put(bytes) };
  const manifest = await importDataset(options, sink, (fraction) => progress.push(fraction));
  expect(progress).toEqual([...progress].sort((left, right) => left - right));
  expect(progress.at(-1)).toBe(1);
  const opened = (split: Split) =>
    new Map(
      split.shards.map((shard, place) => {
        const bytes = store.get(shard.hash);
        expect(bytes.length).toBe(shard.bytes);
        return [place, openShard(manifest, shard, bytes)];
      }),
    );
  return {
    manifest,
    progress,
    read: (split) => {
      const samples = manifest[split].shards.flatMap(({ count }, shard) =>
        Array.from({ length: count }, (_, index) => ({ shard, index })),
      );
      expect(samples.length).toBe(manifest[split].count);
      return assembleBatch(manifest, 0, opened(manifest[split]), samples);
    },
    tokens: (split) =>
      [...opened(manifest[split]).values()].flatMap((shard) =>
        shard.kind === 'tokens' ? [...shard.tokens] : [],
      ),
  };
}

/** The rows of a batch, each its inputs and then its target. */
export function rowsOf(batch: Batch): number[][] {
  const width = batch.x.length / batch.count;
  const targets = batch.y.length / batch.count;
  return Array.from({ length: batch.count }, (_, row) => [
    ...batch.x.slice(row * width, (row + 1) * width),
    ...batch.y.slice(row * targets, (row + 1) * targets),
  ]);
}

export async function refusal(
  options: ImportOptions,
): Promise<{ code: string; message: string; field: string }> {
  const outcome = await runImport(options).then(
    () => {
      throw new Error('The import was not refused.');
    },
    (error: unknown) => error,
  );
  return outcome as { code: string; message: string; field: string };
}
