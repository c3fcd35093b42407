import { expect, it } from 'vitest';
import { readDatasetManifest } from '../../../../server/runtime/read-dataset-manifest.ts';
import { limits } from '../../../../shared/base/limits.ts';
import { shardBytes } from '../../../../shared/data/assemble.ts';
import { dataset } from '../core/fixtures.ts';

const sized = (split: typeof dataset.train) => ({
  ...split,
  shards: split.shards.map((shard) => ({ ...shard, bytes: shardBytes(dataset, shard.count) })),
});
const manifest = { ...dataset, train: sized(dataset.train), test: sized(dataset.test) };
const stored = {
  size: (hash: string) =>
    [...manifest.train.shards, ...manifest.test.shards].find((shard) => shard.hash === hash)?.bytes,
};

it('takes a manifest whose shards are stored', () => {
  expect(readDatasetManifest(JSON.stringify(manifest), stored)).toEqual(manifest);
});

it('refuses a manifest that would not fit into the log beside a job', () => {
  const padded = JSON.stringify(manifest).padEnd(limits.datasetManifestBytesMax + 1);
  expect(() => readDatasetManifest(padded, stored)).toThrow('fewer, larger shards');
});

it.each([
  ['a shard that is not stored', manifest, { size: () => undefined }, 'was not uploaded'],
  [
    'a count that its shards do not have',
    { ...manifest, train: { ...manifest.train, count: 7 } },
    stored,
    'count is 7',
  ],
  ['an unknown field', { ...manifest, script: 'x' }, stored, 'is no data set manifest'],
  ['what is no object', 'text', stored, 'is no data set manifest'],
])('refuses %s', (_name, value, blobs, message) => {
  expect(() => readDatasetManifest(JSON.stringify(value), blobs)).toThrow(message);
});
