import { createHash } from 'node:crypto';
import type { DatasetRegistered, JobSubmitted } from '../../server/core/commands.ts';
import { asBlobHash, asJobId, type BlobHash } from '../../shared/base/ids.ts';
import type { CodecSpec } from '../../shared/codec/codec-spec.ts';
import type { RecordDataset } from '../../shared/data/dataset-manifest.ts';
import type { JobDocument } from '../../shared/job/job-document.ts';
import type { StrategySpec } from '../../shared/sync/strategy-spec.ts';
import { createManifest, manifestText } from '../../shared/tensor/manifest.ts';

export const parameterCount = 6;
const tensors = [
  { name: 'weights', shape: [2, 2] },
  { name: 'bias', shape: [2] },
];
export const manifest = createManifest(tensors);
const sha256 = (content: string | Uint8Array): BlobHash =>
  asBlobHash(createHash('sha256').update(content).digest('hex'));

export const initialParameters = Float32Array.from({ length: parameterCount }, (_, index) => index / 8);

const dataset: RecordDataset = {
  kind: 'records',
  task: 'classification',
  name: 'points',
  title: 'Points',
  source: 'made by the simulator',
  train: { shards: [{ hash: sha256('train'), count: 64, bytes: 64 }], count: 64 },
  test: { shards: [{ hash: sha256('test'), count: 11, bytes: 11 }], count: 11 },
  input: { type: 'uint8', shape: [2], scale: 1, offset: 0 },
  target: { type: 'uint8', shape: [], scale: 1, offset: 0 },
  outputSize: 2,
};

/** What an admin uploads before the jobs. */
export const uploads: readonly Uint8Array[] = [
  new TextEncoder().encode('train'),
  new TextEncoder().encode('test'),
  new Uint8Array(initialParameters.buffer),
];

export const registration: DatasetRegistered = { kind: 'datasetRegistered', dataset, atMs: 0 };

const innerOptimizer = { kind: 'nesterov', learningRate: 0.1 } as const;

export interface JobShape {
  readonly units: number;
  readonly rounds: number;
  readonly optimizer: 'sgd' | 'adamw';
  /** Of one unit; units are gradients when absent. */
  readonly localSteps?: number;
  /** `float32` when absent. */
  readonly codecs?: readonly CodecSpec[];
}

/** Small jobs that differ in what the coordinator does with them. */
export const jobShapes: readonly JobShape[] = [
  { units: 1, rounds: 40, optimizer: 'sgd' },
  { units: 3, rounds: 24, optimizer: 'sgd', localSteps: 3 },
  { units: 6, rounds: 15, optimizer: 'adamw' },
  { units: 9, rounds: 10, optimizer: 'sgd' },
];

export function submission(
  name: string,
  { units, rounds, optimizer, localSteps, codecs = [{ kind: 'float32' }] }: JobShape,
  strategy: StrategySpec = { kind: 'parameterServerSynchronous' },
): JobSubmitted {
  const document: JobDocument = {
    name,
    title: name,
    description: '',
    owner: 'simulator',
    model: { kind: 'mlp', hidden: [] },
    dataset: dataset.name,
    loss: 'softmaxCrossEntropy',
    optimizer: { kind: optimizer, learningRate: 0.05 },
    unitsPerRound: units,
    batchSize: 4,
    ...(localSteps === undefined ? {} : { localSteps: { steps: localSteps, optimizer: innerOptimizer } }),
    strategy,
    codec: { up: codecs, down: { kind: 'int8' } },
    stop: { rounds },
    evaluation: { everyRounds: 2, samplesMax: 100, batchSize: 4 },
    checkpoint: { everyRounds: 2 },
    seed: 11,
    allowAnonymous: true,
    updateNormMax: 10,
  };
  return {
    kind: 'jobSubmitted',
    jobId: asJobId(name),
    document,
    dataset,
    tensors,
    manifestHash: sha256(manifestText(manifest)),
    initialParametersHash: sha256(new Uint8Array(initialParameters.buffer)),
    atMs: 0,
  };
}
