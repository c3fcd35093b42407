import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { asBlobHash } from '../../../../../../shared/base/ids.ts';
import type { RecordDataset } from '../../../../../../shared/data/dataset-manifest.ts';
import type { JobDocument } from '../../../../../../shared/job/job-document.ts';

export const hashOf = (bytes: Uint8Array): string => bytesToHex(sha256(bytes));

const recordsPerShard = 16;
const shardCount = 3;
const classes = 2;

/** Shards of records `(a, b)` with class `a > b`, as bytes by their hash. */
function createShards(): ReadonlyMap<string, Uint8Array> {
  const shards = Array.from({ length: shardCount }, (_, shard) => {
    const values = new Float32Array(recordsPerShard * 2);
    const labels = new Uint8Array(recordsPerShard);
    for (let record = 0; record < recordsPerShard; record++) {
      const at = shard * recordsPerShard + record;
      values.set([Math.sin(at), Math.cos(at * 3)], record * 2);
      labels[record] = (values[record * 2] ?? 0) > (values[record * 2 + 1] ?? 0) ? 1 : 0;
    }
    return new Uint8Array([...new Uint8Array(values.buffer), ...labels]);
  });
  return new Map(shards.map((bytes) => [hashOf(bytes), bytes]));
}

export const shardBytesByHash = createShards();

const shards = [...shardBytesByHash].map(([hash, bytes]) => ({
  hash: asBlobHash(hash),
  count: recordsPerShard,
  bytes: bytes.length,
}));

export const smallDataset: RecordDataset = {
  kind: 'records',
  name: 'pairs',
  title: 'Pairs',
  source: 'made here',
  task: 'classification',
  input: { type: 'float32', shape: [2], scale: 1, offset: 0 },
  target: { type: 'uint8', shape: [], scale: 1, offset: 0 },
  outputSize: classes,
  train: { shards: shards.slice(0, 2), count: 2 * recordsPerShard },
  test: { shards: shards.slice(2), count: recordsPerShard },
};

export const smallDocument: JobDocument = {
  name: 'pairs',
  title: 'Which is larger?',
  description: 'Two numbers in, one class out.',
  owner: 'the tests',
  model: { kind: 'mlp', hidden: [4] },
  dataset: 'pairs',
  loss: 'softmaxCrossEntropy',
  optimizer: { kind: 'sgd', learningRate: 0.5 },
  unitsPerRound: 2,
  batchSize: 8,
  strategy: { kind: 'parameterServerSynchronous' },
  codec: { up: [{ kind: 'int8' }], down: { kind: 'int8' } },
  stop: { rounds: 1_000 },
  evaluation: { everyRounds: 100, samplesMax: 16, batchSize: 8 },
  checkpoint: { everyRounds: 100 },
  seed: 11,
  allowAnonymous: true,
  updateNormMax: 1_000,
};
