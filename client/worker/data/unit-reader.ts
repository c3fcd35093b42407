import { assembleBatch, type OpenedShard, openShard } from '../../../shared/data/assemble.ts';
import type { Batch } from '../../../shared/data/batch.ts';
import type { BatchMemory } from '../../../shared/data/batch-memory.ts';
import type { DatasetManifest } from '../../../shared/data/dataset-manifest.ts';
import {
  createTestSampler,
  createTrainSampler,
  type SampleLocation,
  type Sampler,
  trainCounts,
} from '../../../shared/data/sampling.ts';
import type { UnitKind } from '../session/lease.ts';
import type { ShardLoader } from './shard-loader.ts';

/** Turns the sample range of a unit into its batch. */
export interface UnitReader {
  /** @throws GradswarmError as `ShardLoader.load`, or `dataInvalid`. */
  read(kind: UnitKind, sampleStart: number, sampleCount: number): Promise<Batch>;
  /** The unit is computed: its arrays serve the next one. */
  giveBack(batch: Batch): void;
}

/** @param context tokens of a window; ignored for records */
export function createUnitReader(
  dataset: DatasetManifest,
  context: number,
  seed: number,
  loader: ShardLoader,
  memory: BatchMemory,
): UnitReader {
  const samplers: Record<UnitKind, Sampler> = {
    train: createTrainSampler(trainCounts(dataset, context), seed),
    evaluate: createTestSampler(dataset, context),
  };
  return {
    async read(kind, sampleStart, sampleCount) {
      const sampler = samplers[kind];
      const samples = Array.from({ length: sampleCount }, (_, at) => sampler.locate(sampleStart + at));
      const { shards } = kind === 'train' ? dataset.train : dataset.test;
      const opened = await openShards(dataset, shards, samples, loader);
      return assembleBatch(dataset, context, opened, samples, memory);
    },
    giveBack: memory.giveBack,
  };
}

async function openShards(
  dataset: DatasetManifest,
  shards: DatasetManifest['train']['shards'],
  samples: readonly SampleLocation[],
  loader: ShardLoader,
): Promise<ReadonlyMap<number, OpenedShard>> {
  const touched = [...new Set(samples.map(({ shard }) => shard))];
  const opened = await Promise.all(
    touched.map(async (index): Promise<readonly [number, OpenedShard]> => {
      const shard = shards[index]!;
      return [index, openShard(dataset, shard, await loader.load(shard))];
    }),
  );
  return new Map(opened);
}
