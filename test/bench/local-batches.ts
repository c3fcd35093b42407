import { createHash } from 'node:crypto';
import { builtinDatasetOptions, isBuiltinDataset } from '../../client/cli/import/builtin-datasets.ts';
import { importDataset } from '../../client/cli/import/import-dataset.ts';
import { asBlobHash } from '../../shared/base/ids.ts';
import { assembleBatch, openShard } from '../../shared/data/assemble.ts';
import type { Batch } from '../../shared/data/batch.ts';
import type { DatasetManifest } from '../../shared/data/dataset-manifest.ts';
import { createTrainSampler, trainCounts } from '../../shared/data/sampling.ts';
import type { JobDocument } from '../../shared/job/job-document.ts';
import { tokenContext } from '../../shared/model/token-context.ts';

/** A built-in job's data in memory, with no coordinator: `batch(n)` cuts the batch of unit n. */
export async function readData(
  document: JobDocument,
): Promise<{ readonly dataset: DatasetManifest; batch(unit: number): Batch }> {
  if (!isBuiltinDataset(document.dataset)) throw new Error(`${document.dataset} is not built in`);
  const stored = new Map<string, Uint8Array>();
  const sink = {
    async putShard(bytes: Uint8Array) {
      const hash = asBlobHash(createHash('sha256').update(bytes).digest('hex'));
      stored.set(hash, bytes);
      return hash;
    },
  };
  const dataset = await importDataset(builtinDatasetOptions(document.dataset), sink, () => {});
  const context = tokenContext(document.model);
  const sampler = createTrainSampler(trainCounts(dataset, context), document.seed);
  const shards = new Map(
    dataset.train.shards.map((shard, index) => [
      index,
      openShard(dataset, shard, stored.get(shard.hash) ?? new Uint8Array()),
    ]),
  );
  return {
    dataset,
    batch(unit) {
      const first = unit * document.batchSize;
      const samples = Array.from({ length: document.batchSize }, (_, sample) =>
        sampler.locate(first + sample),
      );
      return assembleBatch(dataset, context, shards, samples);
    },
  };
}
