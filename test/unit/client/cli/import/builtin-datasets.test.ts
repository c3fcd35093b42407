import { describe, expect, it } from 'vitest';
import {
  builtinDatasetOptions,
  isBuiltinDataset,
} from '../../../../../client/cli/import/builtin-datasets.ts';
import { importDataset } from '../../../../../client/cli/import/import-dataset.ts';
import { sha256 } from '../../../../../server/storage/blob-store.ts';
import type { RecordDataset, TokenDataset } from '../../../../../shared/data/dataset-manifest.ts';
import { createTokenizer } from '../../../../../shared/data/tokenizer.ts';
import { rowsOf, runImport } from './import-harness.ts';

describe('the built-in data sets', () => {
  it('are known by name', () => {
    expect(['mnist', 'moby', 'toString'].map(isBuiltinDataset)).toEqual([true, true, false]);
  });

  it('hold all of MNIST', async () => {
    const imported = await runImport(builtinDatasetOptions('mnist'));
    const manifest = imported.manifest as RecordDataset;
    expect([manifest.train.count, manifest.test.count]).toEqual([60_000, 10_000]);
    expect(manifest.input.shape).toEqual([28, 28, 1]);
    expect(manifest.outputSize).toBe(10);
    const test = imported.read('test');
    const counts = new Array<number>(10).fill(0);
    for (const label of test.y) counts[label] = (counts[label] ?? 0) + 1;
    // Digits 0 to 9 in the 10,000 test labels, as LeCun's file has them.
    expect(counts).toEqual([980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]);
    const means = rowsOf(test).map((row) => row.slice(0, 784).reduce((sum, value) => sum + value, 0) / 784);
    expect(means.reduce((sum, mean) => sum + mean, 0) / means.length).toBeCloseTo(0.1325, 3);
  });

  it('hold the text of Moby-Dick', async () => {
    const imported = await runImport(builtinDatasetOptions('moby'));
    const manifest = imported.manifest as TokenDataset;
    const tokenizer = createTokenizer(manifest.tokenizer);
    const text = tokenizer.decode([...imported.tokens('train'), ...imported.tokens('test')]);
    expect(text.length).toBeGreaterThan(1_200_000);
    expect(manifest.vocabularySize).toBeLessThan(100);
    expect(text).toContain('Call me Ishmael. Some years ago');
    expect(text.indexOf('CHAPTER 2.')).toBeLessThan(text.indexOf('CHAPTER 10.'));
    expect(text.trimEnd().endsWith('orphan.')).toBe(true);
  });

  it('stop when the import is cancelled', async () => {
    const cancel = new AbortController();
    let stored = 0;
    const sink = {
      putShard: async (bytes: Uint8Array) => {
        if (++stored === 2) cancel.abort();
        return sha256(bytes);
      },
    };
    const importing = importDataset(builtinDatasetOptions('moby'), sink, () => {}, cancel.signal);
    await expect(importing).rejects.toMatchObject({ code: 'cancelled' });
    expect(stored).toBe(2);
  });
});
