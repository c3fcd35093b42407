import { assert } from '../base/assert.ts';
import { createRandom, mixSeed } from '../base/random.ts';
import type { DatasetManifest, Split } from './dataset-manifest.ts';
import { createPermutation, type Permutation } from './permutation.ts';

/**
 * Shards that are shuffled together. A unit touches at most two such groups, so a worker downloads a few shards and
 * not the data set; more shards would mix better and download more.
 */
export const shuffleShards = 4;

/** Where a sample lies: a record of a shard, or the first token of a window in it. */
export interface SampleLocation {
  /** Index into the split's shards. */
  readonly shard: number;
  readonly index: number;
}

/** Samples of a split in a fixed order. */
export interface Sampler {
  /** Samples of one epoch, or of the split. */
  readonly count: number;
  locate(position: number): SampleLocation;
}

interface Group {
  /** First position of the group in its epoch. */
  readonly start: number;
  readonly shards: readonly number[];
  readonly permutation: Permutation;
}

/**
 * Training samples that each shard holds: its records, or every window of `context` inputs and their successors,
 * which may begin at any of `tokens - context` places.
 */
export function trainCounts(dataset: DatasetManifest, context: number): readonly number[] {
  return shardCounts(dataset.train, (count) =>
    dataset.kind === 'tokens' ? Math.max(0, count - context) : count,
  );
}

/** Test samples that each shard holds: its records, or its windows that do not overlap. */
export function testCounts(dataset: DatasetManifest, context: number): readonly number[] {
  return shardCounts(dataset.test, (count) =>
    dataset.kind === 'tokens' ? Math.max(0, Math.floor((count - 1) / context)) : count,
  );
}

/** `context` is ignored for records. */
export function testSampleCount(dataset: DatasetManifest, context: number): number {
  return testCounts(dataset, context).reduce((sum, count) => sum + count, 0);
}

function shardCounts(split: Split, samplesOf: (count: number) => number): readonly number[] {
  return split.shards.map(({ count }) => samplesOf(count));
}

/**
 * The endless training stream: position p belongs to epoch floor(p / count). In every epoch each sample comes once:
 * the shards in a seeded order, taken in groups of `shuffleShards`, the samples of a group in a seeded order.
 * Positions are exact integers below 2^53.
 */
export function createTrainSampler(counts: readonly number[], seed: number): Sampler {
  const filled = counts.map((_, shard) => shard).filter((shard) => (counts[shard] ?? 0) > 0);
  const count = counts.reduce((sum, samples) => sum + samples, 0);
  assert(count > 0, 'a training split has samples');
  let epoch = -1;
  let groups: readonly Group[] = [];
  return {
    count,
    locate: (position) => {
      const wanted = Math.floor(position / count);
      if (wanted !== epoch) {
        epoch = wanted;
        groups = planEpoch(filled, counts, mixSeed(seed, epoch, Math.floor(epoch / 0x100000000)));
      }
      return locateInGroups(groups, counts, position - epoch * count);
    },
  };
}

/** The test split in its stored order. */
export function createTestSampler(dataset: DatasetManifest, context: number): Sampler {
  const counts = testCounts(dataset, context);
  const stride = dataset.kind === 'tokens' ? context : 1;
  return {
    count: counts.reduce((sum, samples) => sum + samples, 0),
    locate: (position) => {
      const { shard, index } = walkShards(
        counts.map((_, at) => at),
        counts,
        position,
      );
      return { shard, index: index * stride };
    },
  };
}

function planEpoch(shards: readonly number[], counts: readonly number[], seed: number): readonly Group[] {
  const order = createPermutation(shards.length, seed);
  const random = createRandom(seed);
  const groups: Group[] = [];
  let start = 0;
  for (let first = 0; first < shards.length; first += shuffleShards) {
    const size = Math.min(shuffleShards, shards.length - first);
    const members = Array.from({ length: size }, (_, offset) => shards[order.map(first + offset)] ?? 0);
    const samples = members.reduce((sum, shard) => sum + (counts[shard] ?? 0), 0);
    groups.push({ start, shards: members, permutation: createPermutation(samples, random.uint32()) });
    start += samples;
  }
  return groups;
}

function locateInGroups(
  groups: readonly Group[],
  counts: readonly number[],
  position: number,
): SampleLocation {
  let low = 0;
  let high = groups.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((groups[middle]?.start ?? 0) <= position) low = middle;
    else high = middle - 1;
  }
  const group = groups[low];
  assert(group !== undefined, 'an epoch has a group for every position');
  return walkShards(group.shards, counts, group.permutation.map(position - group.start));
}

function walkShards(shards: readonly number[], counts: readonly number[], position: number): SampleLocation {
  let index = position;
  for (const shard of shards) {
    const samples = counts[shard] ?? 0;
    if (index < samples) return { shard, index };
    index -= samples;
  }
  throw new RangeError(`Sample ${position} is outside the split.`);
}
