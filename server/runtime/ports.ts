import type { ErrorCode } from '../../shared/base/errors.ts';
import type { BlobHash, JobId } from '../../shared/base/ids.ts';
import type { CodecSpec } from '../../shared/codec/codec-spec.ts';
import type { LossName, ModelEnds, ModelSpec } from '../../shared/model/model-spec.ts';
import type { OptimizerKind } from '../../shared/optim/optimizer.ts';
import type { OptimizerSpec } from '../../shared/optim/optimizer-spec.ts';
import type { TrainingState } from '../../shared/optim/training-state.ts';
import type { AggregatorSpec } from '../../shared/sync/aggregators/aggregator-spec.ts';
import type { TensorDeclaration } from '../../shared/tensor/manifest.ts';
import type { TrainerPlan } from '../core/effect-values.ts';
import type { ProposalId } from '../raft/entry.ts';

// ---- The replicated log -------------------------------------------------------------------------------------------

export type ProposalOutcome =
  | { readonly kind: 'committed'; readonly index: number; readonly epoch: number }
  | { readonly kind: 'notLeader'; readonly hint?: string }
  /** It may have been committed, or may still be: ask again with the same `ProposalId`. */
  | { readonly kind: 'unknown' };

export type LogItem =
  | {
      readonly kind: 'command';
      readonly index: number;
      readonly epoch: number;
      readonly bytes: Uint8Array;
      readonly proposal: ProposalId;
    }
  /** A marker without a command: a leader's first entry, a membership change. */
  | { readonly kind: 'noop'; readonly index: number; readonly epoch: number }
  /** The log before `index` was compacted: load this state, then go on after it. */
  | { readonly kind: 'snapshot'; readonly index: number; readonly epoch: number; readonly bytes: Uint8Array };

export interface Leadership {
  readonly isLeader: boolean;
  /** Strictly growing fencing token. */
  readonly epoch: number;
}

/** One suite, `test/contract/replicated-log.contract.ts`, holds for every adapter. */
export interface ReplicatedLog {
  /** Resolves when the command is durable on a majority, and its item was or will be delivered by `committed`. */
  propose(command: Uint8Array, proposal: ProposalId): Promise<ProposalOutcome>;
  /**
   * Every committed item after `afterIndex`, in order, gap-free, without duplicates, then the new ones as they come;
   * begins with a snapshot item when `afterIndex` was compacted. Ends when the log is closed.
   */
  committed(afterIndex: number): AsyncIterable<LogItem>;
  /** An index such that a state applied to it holds every command committed before the call. */
  barrier(): Promise<number>;
  leadership(): Leadership;
  onLeadership(listener: (leadership: Leadership) => void): () => void;
  /** Keeps `snapshot` as the state at `index`, and drops entries up to `index` less a trailing rest. */
  compact(index: number, snapshot: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

// ---- Blobs --------------------------------------------------------------------------------------------------------

/** Content-addressed, immutable, durable when `put` returns. Synchronous: it is called from reducer threads. */
export interface BlobStore {
  /** Stores and fsyncs file and folder; a blob that is there already is left alone. Returns the SHA-256. */
  put(bytes: Uint8Array): BlobHash;
  has(hash: BlobHash): boolean;
  /** Verifies the hash. @throws GradswarmError `notFound` or `corrupted`. */
  get(hash: BlobHash): Uint8Array;
  size(hash: BlobHash): number | undefined;
  delete(hash: BlobHash): void;
  list(): BlobHash[];
}

// ---- Checkpoints --------------------------------------------------------------------------------------------------

export interface Checkpoint {
  readonly jobId: JobId;
  readonly tensors: readonly TensorDeclaration[];
  readonly optimizer: OptimizerKind;
  readonly state: TrainingState;
}

/** Checkpoints are manifests over blobs; synchronous and durable, as the blob store below it. */
export interface CheckpointStore {
  /** `blobs` are those that the manifest names, without the manifest itself. */
  save(checkpoint: Checkpoint): { readonly manifestHash: BlobHash; readonly blobs: readonly BlobHash[] };
  /** @throws GradswarmError `notFound` or `corrupted`. */
  load(manifestHash: BlobHash): Checkpoint;
}

// ---- The trainer: tensors of running jobs, in a thread of their own -----------------------------------------------

export interface TrainerJob {
  readonly jobId: JobId;
  readonly tensors: readonly TensorDeclaration[];
  readonly optimizer: OptimizerSpec;
  readonly downCodec: CodecSpec;
  readonly seed: number;
  /** The weighted mean when absent. */
  readonly aggregator?: AggregatorSpec;
  readonly plan: TrainerPlan;
}

export interface StoredRound {
  readonly aggregateHash: BlobHash;
  readonly parametersHash: BlobHash;
  readonly finite: boolean;
  /** Encoded delta from the published vector before the round to the one after it. */
  readonly delta: Uint8Array;
}

/** A round of another leader, made here as well. */
export interface FollowedRound {
  readonly version: number;
  readonly parametersHash: BlobHash;
  /** As in `StoredRound`: the same bytes. */
  readonly delta: Uint8Array;
}

/** An exact sum of contributions that weigh `weight` together, as `shared/tensor/packed-sums.ts` packs it. */
export interface PartialSum {
  readonly weight: number;
  readonly bytes: Uint8Array;
}

export type ReduceOutcome =
  | { readonly accepted: true; readonly norm: number }
  | { readonly accepted: false; readonly code: ErrorCode; readonly message: string };

export interface Contribution {
  /** Number of the unit in its round; with it the order of arrival never matters. */
  readonly unit: number;
  readonly codec: string;
  /** The unit's. */
  readonly seed: number;
  readonly weight: number;
  readonly normMax: number;
  readonly payload: Uint8Array;
}

/**
 * Calls are worked off in the order in which they were made. A rejection with a `GradswarmError` concerns one job; any
 * other error means that the trainer is broken.
 */
export interface Trainer {
  /** Rejects with `notFound` or `corrupted` for a blob, `hashMismatch` when a round does not give what was committed. */
  open(job: TrainerJob): Promise<{ readonly version: number; readonly parametersHash: BlobHash }>;
  close(jobId: JobId): Promise<void>;
  /** The payload is given away: its bytes may be gone when this returns. */
  reduce(request: { readonly jobId: JobId; readonly round: number } & Contribution): Promise<ReduceOutcome>;
  /**
   * Adds what workers have summed of the open round, unless its SHA-256 is not `hash`, or the mean is longer than
   * `normMax`. The payload is given away.
   */
  mergeSum(request: {
    readonly jobId: JobId;
    readonly round: number;
    readonly weight: number;
    readonly normMax: number;
    readonly hash: string;
    readonly payload: Uint8Array;
  }): Promise<ReduceOutcome>;
  /** @param partials what other coordinators have summed of the round; `weight` holds theirs as well. */
  storeRound(
    jobId: JobId,
    round: number,
    weight: number,
    partials?: readonly PartialSum[],
  ): Promise<StoredRound>;
  /**
   * Adds a contribution to the sum that this coordinator keeps for the leader under `key`, whatever the version is here.
   * Another key begins a new sum. The payload is given away.
   */
  reduceAtEdge(
    request: { readonly jobId: JobId; readonly key: string } & Contribution,
  ): Promise<ReduceOutcome>;
  /** What was summed under `key`. Rejects with `conflict` when it does not weigh as much. */
  edgeSum(request: {
    readonly jobId: JobId;
    readonly key: string;
    readonly weight: number;
  }): Promise<PartialSum>;
  /** Whether this can be what another coordinator has summed: nothing changes. */
  checkSum(request: {
    readonly jobId: JobId;
    readonly sum: PartialSum;
    readonly normMax: number;
  }): Promise<ReduceOutcome>;
  installRound(jobId: JobId, round: number): Promise<void>;
  discardRound(jobId: JobId, round: number): Promise<void>;
  /**
   * Makes the outer step of a round that was committed elsewhere and installs it; the hash is the caller's to compare.
   * Rejects with `notFound` or `corrupted` for the aggregate, and nothing has changed.
   */
  followRound(jobId: JobId, round: number, aggregateHash: BlobHash): Promise<FollowedRound>;
  /** A copy of the published vector as little-endian bytes. */
  snapshot(
    jobId: JobId,
  ): Promise<{ readonly version: number; readonly parametersHash: BlobHash; readonly bytes: Uint8Array }>;
  storeCheckpoint(
    jobId: JobId,
    version: number,
  ): Promise<{ readonly manifestHash: BlobHash; readonly blobs: readonly BlobHash[] }>;
  shutdown(): Promise<void>;
}

// ---- Models: only the worker core knows TensorFlow.js, so the wiring brings this -----------------------------------

export interface CompiledModel {
  readonly tensors: readonly TensorDeclaration[];
  /** Seeded: the same spec, ends and seed give the same bits. */
  readonly initialParameters: Float32Array;
  /** The TensorFlow.js layers topology, for models that have one. */
  readonly layersTopology?: { readonly [key: string]: unknown };
}

export interface ModelCompiler {
  /** @throws GradswarmError `badRequest` with the field, when the model cannot be built or does not fit the loss. */
  compile(model: ModelSpec, ends: ModelEnds, loss: LossName, seed: number): Promise<CompiledModel>;
}

// ---- Exports ------------------------------------------------------------------------------------------------------

export interface ModelExport {
  /** Folder name below the export folder. */
  readonly name: string;
  readonly tensors: readonly TensorDeclaration[];
  readonly parameters: Float32Array;
  readonly layersTopology?: { readonly [key: string]: unknown };
  readonly metadata: Readonly<Record<string, string>>;
}

export interface ModelExporter {
  /** Writes `model.safetensors`, and `model.json` with `weights.bin` for layers models; whole files or none. */
  export(model: ModelExport): Promise<{ readonly directory: string; readonly files: readonly string[] }>;
}
