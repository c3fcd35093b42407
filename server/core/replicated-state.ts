import type { BlobHash, JobId } from '../../shared/base/ids.ts';
import type { DatasetManifest } from '../../shared/data/dataset-manifest.ts';
import type { TokenCreated } from './commands.ts';
import type { JobRecord } from './job-record.ts';

/**
 * What the log's commands add up to: a deterministic function of the commands alone. Plain data, changed only by
 * `applyCommand`.
 */
export interface ReplicatedState {
  /** Log index of the last command applied; 0 before the first. */
  appliedIndex: number;
  readonly jobs: Map<JobId, JobRecord>;
  readonly datasets: Map<string, DatasetManifest>;
  readonly tokens: Map<string, TokenRecord>;
}

export type TokenRecord = Omit<TokenCreated, 'kind'>;

export function createReplicatedState(): ReplicatedState {
  return { appliedIndex: 0, jobs: new Map(), datasets: new Map(), tokens: new Map() };
}

/** Every blob that a job or a data set names. What a crash left behind is in no such set. */
export function referencedBlobs(state: ReplicatedState): Set<BlobHash> {
  return new Set(eachReference(state));
}

/** Those of `hashes` that no job and no data set names. Blobs are named by content, so two jobs may share one. */
export function unreferenced(state: ReplicatedState, hashes: Iterable<BlobHash>): Set<BlobHash> {
  const remaining = new Set(hashes);
  for (const hash of eachReference(state)) remaining.delete(hash);
  return remaining;
}

/** What training needs comes before the data, in the order of the rounds. */
function* eachReference(state: ReplicatedState): Generator<BlobHash> {
  for (const job of state.jobs.values()) yield* tensorBlobs(job);
  for (const { dataset } of state.jobs.values()) yield* shardBlobs(dataset);
  for (const dataset of state.datasets.values()) yield* shardBlobs(dataset);
}

function* tensorBlobs({ initialParametersHash, checkpoint, aggregates }: JobRecord): Generator<BlobHash> {
  yield initialParametersHash;
  if (checkpoint !== undefined) {
    yield checkpoint.manifestHash;
    yield* checkpoint.blobs;
  }
  for (const { aggregateHash } of aggregates) yield aggregateHash;
}

export function* shardBlobs({ train, test }: DatasetManifest): Generator<BlobHash> {
  for (const split of [train, test]) for (const { hash } of split.shards) yield hash;
}
