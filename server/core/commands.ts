import type { BlobHash, JobId } from '../../shared/base/ids.ts';
import type { DatasetManifest } from '../../shared/data/dataset-manifest.ts';
import type { JobDocument } from '../../shared/job/job-document.ts';
import type { RoundPlan } from '../../shared/sync/round-plan.ts';
import type { TensorDeclaration } from '../../shared/tensor/manifest.ts';

export type Role = 'admin' | 'worker' | 'contributor';

/**
 * What the replicated log holds. Applying the same commands in the same order gives every coordinator the same state:
 * times are stamped by the leader into the command, tensors are named by hash and never travel here.
 */
export type Command =
  | JobSubmitted
  | JobStateChanged
  | RoundCommitted
  | StrategyChanged
  | EvaluationCommitted
  | CheckpointCommitted
  | DatasetRegistered
  | TokenCreated
  | TokenRevoked;

export interface JobSubmitted {
  readonly kind: 'jobSubmitted';
  readonly jobId: JobId;
  readonly document: JobDocument;
  /** The data set as it was when the job was submitted. */
  readonly dataset: DatasetManifest;
  readonly tensors: readonly TensorDeclaration[];
  readonly manifestHash: BlobHash;
  /** Blob of little-endian float32 in manifest order: version 0. */
  readonly initialParametersHash: BlobHash;
  /** Tokens of one sample, where the data set holds tokens and the model is not a `gpt`. */
  readonly context?: number;
  readonly atMs: number;
}

/** `finished` is reached by the stop rule, `failed` by divergence; both are final, as is `cancelled`. */
export type JobState = 'running' | 'paused' | 'finished' | 'cancelled' | 'failed';

export interface JobStateChanged {
  readonly kind: 'jobStateChanged';
  readonly jobId: JobId;
  readonly state: JobState;
  readonly reason: string;
  /** Running time since the last round or change of state; stamped by the leader, so that outages do not count. */
  readonly elapsedMs?: number;
  readonly atMs: number;
}

/** Round `round` made version `round + 1`. The aggregate blob was durable before this was proposed. */
export interface RoundCommitted {
  readonly kind: 'roundCommitted';
  readonly jobId: JobId;
  readonly round: number;
  readonly aggregateHash: BlobHash;
  /** SHA-256 of the published vector after the outer step. */
  readonly parametersHash: BlobHash;
  /** Units counted; each exactly once. */
  readonly units: number;
  /** Those of them that were computed from an earlier version than the round's. */
  readonly staleUnits?: number;
  /** Samples of the units counted. */
  readonly samples: number;
  /** Samples that the round has taken from the job's stream, where these are more. */
  readonly samplesTaken?: number;
  /** Mean over the units, summed in unit order. */
  readonly trainingLoss: number;
  /** Running time since the last round or change of state. */
  readonly elapsedMs?: number;
  /** `engine/build` of the contributions counted, each once, sorted. */
  readonly determinismClasses?: readonly string[];
  readonly atMs: number;
}

/** The rounds that open after it are run by another plan; the open one goes on as it began. */
export interface StrategyChanged {
  readonly kind: 'strategyChanged';
  readonly jobId: JobId;
  readonly plan: RoundPlan;
  readonly by: 'admin' | 'adaptive';
  readonly reason: string;
  readonly atMs: number;
}

export interface EvaluationCommitted {
  readonly kind: 'evaluationCommitted';
  readonly jobId: JobId;
  readonly version: number;
  readonly loss: number;
  /** Fraction right; absent for regression. */
  readonly accuracy?: number;
  readonly samples: number;
  readonly atMs: number;
}

/** A manifest over blobs that holds parameters, published vector, optimizer state, round and data position. */
export interface CheckpointCommitted {
  readonly kind: 'checkpointCommitted';
  readonly jobId: JobId;
  readonly version: number;
  readonly manifestHash: BlobHash;
  /** Blobs that the manifest names, for the garbage collector. */
  readonly blobs: readonly BlobHash[];
  readonly atMs: number;
}

export interface DatasetRegistered {
  readonly kind: 'datasetRegistered';
  readonly dataset: DatasetManifest;
  readonly atMs: number;
}

export interface TokenCreated {
  readonly kind: 'tokenCreated';
  readonly tokenId: string;
  readonly name: string;
  readonly role: Role;
  /** SHA-256 of the token; the token itself is never stored. */
  readonly tokenHash: BlobHash;
  readonly atMs: number;
}

export interface TokenRevoked {
  readonly kind: 'tokenRevoked';
  readonly tokenId: string;
  readonly atMs: number;
}
