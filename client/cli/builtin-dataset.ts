import { createHash } from 'node:crypto';
import type { Coordinator } from '../../server/main.ts';
import { asBlobHash } from '../../shared/base/ids.ts';
import { builtinDatasetOptions } from './import/builtin-datasets.ts';
import { importDataset } from './import/import-dataset.ts';

/** Imports a data set that comes with the packages straight into the coordinator of this process. */
export async function importBuiltinDataset(
  name: Parameters<typeof builtinDatasetOptions>[0],
  { putBlob, registerDataset }: Coordinator['actions'],
): Promise<void> {
  const sink = {
    async putShard(bytes: Uint8Array) {
      const hash = asBlobHash(createHash('sha256').update(bytes).digest('hex'));
      putBlob(hash, bytes);
      return hash;
    },
  };
  const manifest = await importDataset(builtinDatasetOptions(name), sink, () => {});
  await registerDataset(JSON.stringify(manifest));
}
