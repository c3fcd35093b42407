import { createHash } from 'node:crypto';
import type { Coordinator } from '../../server/main.ts';
import { GradswarmError } from '../../shared/base/errors.ts';
import { asBlobHash } from '../../shared/base/ids.ts';
import { builtinDatasetOptions, isBuiltinDataset } from './import/builtin-datasets.ts';
import { importDataset } from './import/import-dataset.ts';

/** Imports a data set that comes with the packages straight into the coordinator of this process. */
export async function importIntoCoordinator(
  name: string,
  { putBlob, registerDataset }: Coordinator['actions'],
): Promise<void> {
  if (!isBuiltinDataset(name))
    throw new GradswarmError('notFound', `no data set is called "${name}"`, 'dataset');
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
