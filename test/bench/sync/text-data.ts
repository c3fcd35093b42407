import { createHash } from 'node:crypto';
import { builtinDatasetOptions } from '../../../client/cli/import/builtin-datasets.ts';
import { importDataset } from '../../../client/cli/import/import-dataset.ts';
import type { ShardLoader } from '../../../client/worker/data/shard-loader.ts';
import { asBlobHash } from '../../../shared/base/ids.ts';
import type { DatasetManifest } from '../../../shared/data/dataset-manifest.ts';

/** `moby` in memory, as a worker finds it at its coordinator. */
export interface TextData {
  readonly dataset: DatasetManifest;
  readonly loader: ShardLoader;
}

export async function readMoby(): Promise<TextData> {
  const stored = new Map<string, Uint8Array>();
  const sink = {
    async putShard(bytes: Uint8Array) {
      const hash = asBlobHash(createHash('sha256').update(bytes).digest('hex'));
      stored.set(hash, bytes);
      return hash;
    },
  };
  const dataset = await importDataset(builtinDatasetOptions('moby'), sink, () => {});
  const loader: ShardLoader = {
    async load({ hash }) {
      const bytes = stored.get(hash);
      if (bytes === undefined) throw new Error(`no shard ${hash}`);
      return bytes;
    },
    close() {},
  };
  return { dataset, loader };
}
