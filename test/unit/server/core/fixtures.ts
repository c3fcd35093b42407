import type { CheckpointCommitted, JobSubmitted, RoundCommitted } from '../../../../server/core/commands.ts';
import { asBlobHash, asJobId, asWorkerId, type BlobHash } from '../../../../shared/base/ids.ts';
import type { RecordDataset } from '../../../../shared/data/dataset-manifest.ts';
import type { JobDocument } from '../../../../shared/job/job-document.ts';

/** A readable stand-in for a SHA-256: `label` in hexadecimal, filled up with zeros. */
export function hashOf(label: string): BlobHash {
  const hex = [...label].map((letter) => letter.charCodeAt(0).toString(16).padStart(2, '0')).join('');
  return asBlobHash(hex.slice(0, 64).padEnd(64, '0'));
}

export const dataset: RecordDataset = {
  kind: 'records',
  task: 'classification',
  name: 'digits',
  title: 'Digits',
  source: 'made by the test',
  train: { shards: [{ hash: hashOf('train'), count: 100, bytes: 400 }], count: 100 },
  test: { shards: [{ hash: hashOf('test'), count: 10, bytes: 40 }], count: 10 },
  input: { type: 'uint8', shape: [4], scale: 1, offset: 0 },
  target: { type: 'uint8', shape: [], scale: 1, offset: 0 },
  outputSize: 3,
};

export const document: JobDocument = {
  name: 'digits',
  title: 'Digits',
  description: 'A job for tests.',
  owner: 'test',
  model: { kind: 'mlp', hidden: [2] },
  dataset: 'digits',
  loss: 'softmaxCrossEntropy',
  optimizer: { kind: 'sgd', learningRate: 0.1 },
  unitsPerRound: 4,
  batchSize: 8,
  strategy: { kind: 'parameterServerSynchronous' },
  codec: { up: [{ kind: 'float32' }], down: { kind: 'float32' } },
  stop: { rounds: 3 },
  evaluation: { everyRounds: 2, samplesMax: 10, batchSize: 4 },
  checkpoint: { everyRounds: 2 },
  seed: 7,
  allowAnonymous: false,
  updateNormMax: 100,
};

export const jobId = asJobId('digits');

export function submission(overrides: Partial<JobDocument> = {}, name: string = document.name): JobSubmitted {
  return {
    kind: 'jobSubmitted',
    jobId: asJobId(name),
    document: { ...document, name, ...overrides },
    dataset,
    tensors: [{ name: 'weights', shape: [3] }],
    manifestHash: hashOf('manifest'),
    initialParametersHash: hashOf('v0'),
    atMs: 0,
  };
}

/** The round's aggregate is `a<round>`, and the parameters after it are `v<round + 1>`. */
export function roundCommitted(round: number, overrides: Partial<RoundCommitted> = {}): RoundCommitted {
  return {
    kind: 'roundCommitted',
    jobId,
    round,
    aggregateHash: hashOf(`a${round}`),
    parametersHash: hashOf(`v${round + 1}`),
    units: 1,
    samples: 8,
    trainingLoss: 1,
    atMs: 0,
    ...overrides,
  };
}

/** The manifest is `c<version>`, and its only blob `p<version>`. */
export function checkpointCommitted(
  version: number,
  overrides: Partial<CheckpointCommitted> = {},
): CheckpointCommitted {
  return {
    kind: 'checkpointCommitted',
    jobId,
    version,
    manifestHash: hashOf(`c${version}`),
    blobs: [hashOf(`p${version}`)],
    atMs: 0,
    ...overrides,
  };
}

export const workerIdOf = (name: string) => asWorkerId(`worker-${name}`);
