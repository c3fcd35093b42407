import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asBlobHash } from '../../../../shared/base/ids.ts';
import type { DatasetManifest, Split } from '../../../../shared/data/dataset-manifest.ts';
import {
  createTestSampler,
  createTrainSampler,
  shuffleShards,
  testSampleCount,
  trainCounts,
} from '../../../../shared/data/sampling.ts';

const counts = fc
  .array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 12 })
  .filter((list) => list.some((count) => count > 0));
const seeds = fc.integer({ min: 0, max: 0xffffffff });

function split(tokens: readonly number[]): Split {
  const shards = tokens.map((count, index) => ({
    hash: asBlobHash(`${index}`.padStart(64, '0')),
    count,
    bytes: count * 2,
  }));
  return { shards, count: tokens.reduce((sum, count) => sum + count, 0) };
}

function tokenDataset(train: readonly number[], test: readonly number[]): DatasetManifest {
  return {
    kind: 'tokens',
    name: 'words',
    title: 'Words',
    source: 'made here',
    train: split(train),
    test: split(test),
    vocabularySize: 4,
    tokenizer: { kind: 'characters', characters: ['a', 'b', 'c', 'd'] },
  };
}

describe('createTrainSampler', () => {
  it('visits every sample of every epoch once', () => {
    fc.assert(
      fc.property(counts, seeds, fc.integer({ min: 0, max: 5 }), (shardCounts, seed, epoch) => {
        const sampler = createTrainSampler(shardCounts, seed);
        const seen = new Set<string>();
        for (let position = 0; position < sampler.count; position++) {
          const { shard, index } = sampler.locate(epoch * sampler.count + position);
          expect(index).toBeLessThan(shardCounts[shard] ?? 0);
          seen.add(`${shard}/${index}`);
        }
        expect(seen.size).toBe(sampler.count);
      }),
    );
  });

  it('answers by position alone, whatever was asked before', () => {
    fc.assert(
      fc.property(
        counts,
        seeds,
        fc.array(fc.integer({ min: 0, max: 2_000 }), { maxLength: 20 }),
        (shardCounts, seed, positions) => {
          const sampler = createTrainSampler(shardCounts, seed);
          for (const position of positions) {
            expect(sampler.locate(position)).toEqual(createTrainSampler(shardCounts, seed).locate(position));
          }
        },
      ),
    );
  });

  it('keeps a unit inside two groups of shards', () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 0, max: 3_000 }), (seed, start) => {
        const sampler = createTrainSampler(
          Array.from({ length: 12 }, () => 50),
          seed,
        );
        const touched = new Set<number>();
        for (let offset = 0; offset < 50; offset++) touched.add(sampler.locate(start + offset).shard);
        expect(touched.size).toBeLessThanOrEqual(2 * shuffleShards);
      }),
    );
  });

  it('shuffles every epoch anew', () => {
    const sampler = createTrainSampler([30, 30], 1);
    const epoch = (number: number): string =>
      JSON.stringify(Array.from({ length: 60 }, (_, at) => sampler.locate(number * 60 + at)));
    expect(epoch(0)).not.toBe(epoch(1));
  });

  it('stays exact at the far end of the stream', () => {
    const sampler = createTrainSampler([50, 50], 3);
    const start = 2 ** 52 - (2 ** 52 % 100);
    const seen = new Set(Array.from({ length: 100 }, (_, at) => JSON.stringify(sampler.locate(start + at))));
    expect(seen.size).toBe(100);
  });
});

describe('token windows', () => {
  it('may begin wherever the window and its successor fit', () => {
    expect(trainCounts(tokenDataset([10, 4, 5], [10]), 4)).toEqual([6, 0, 1]);
  });

  it('do not overlap in the test split', () => {
    const dataset = tokenDataset([10], [9, 4, 8]);
    const sampler = createTestSampler(dataset, 4);
    expect(testSampleCount(dataset, 4)).toBe(3);
    expect([0, 1, 2].map(sampler.locate)).toEqual([
      { shard: 0, index: 0 },
      { shard: 0, index: 4 },
      { shard: 2, index: 0 },
    ]);
  });
});
