import type { BlobHash, JobId } from '../../shared/base/ids.ts';
import type { TrainerPlan } from './effect-values.ts';
import type { AggregateRecord, JobRecord } from './job-record.ts';

/**
 * One job's tensors in this coordinator's trainer. Every coordinator has one and takes it from committed round to
 * committed round, so each is ready to lead. The leader's own rounds move it by `installRound`, those of others by
 * `followRound`.
 */
export interface Replica {
  readonly jobId: JobId;
  /** What the trainer holds; in step `following` still the version before. Undefined unless it was opened. */
  version: number | undefined;
  /** Committed rounds that it lacks, in order. */
  backlog: AggregateRecord[];
  step: ReplicaStep | undefined;
  /** Number of the newest step. */
  attempt: number;
  /** How often its bits were not those that were committed. */
  mismatches: number;
  /** Steps in a row that failed. */
  failures: number;
  retryAtMs: number;
  /** A stored blob was found to be damaged. */
  mustVerify: boolean;
}

/** What it waits for. */
export type ReplicaStep =
  | { readonly kind: 'fetchingPlan'; readonly start: ReplicaStart }
  | { readonly kind: 'opening'; readonly start: ReplicaStart }
  | { readonly kind: 'fetchingRound'; readonly round: AggregateRecord }
  | { readonly kind: 'following'; readonly round: AggregateRecord };

/** Where a replica begins: the newest checkpoint, or the initial parameters, and the rounds after it. */
export interface ReplicaStart {
  readonly plan: TrainerPlan;
  readonly version: number;
  readonly parametersHash: BlobHash;
  /** Every blob that the trainer reads on the way. */
  readonly blobs: readonly BlobHash[];
}

export function createReplica(jobId: JobId): Replica {
  return {
    jobId,
    version: undefined,
    backlog: [],
    step: undefined,
    attempt: 0,
    mismatches: 0,
    failures: 0,
    retryAtMs: Number.NEGATIVE_INFINITY,
    mustVerify: false,
  };
}

/** How a trainer reaches the job's committed version. */
export function trainerPlan({ initialParametersHash, checkpoint, aggregates }: JobRecord): TrainerPlan {
  return {
    initialParametersHash,
    ...(checkpoint === undefined ? {} : { checkpointHash: checkpoint.manifestHash }),
    replay: aggregates.map(({ round, aggregateHash, parametersHash }) => ({
      round,
      aggregateHash,
      parametersHash,
    })),
  };
}

export function startOf(job: JobRecord): ReplicaStart {
  const { initialParametersHash, checkpoint, aggregates, version, parametersHash } = job;
  const first =
    checkpoint === undefined ? [initialParametersHash] : [checkpoint.manifestHash, ...checkpoint.blobs];
  const blobs = [...first, ...aggregates.map(({ aggregateHash }) => aggregateHash)];
  return { plan: trainerPlan(job), version, parametersHash, blobs };
}

/** Whether the trainer holds the job, or will when it has done what it was asked. */
export function isInTrainer({ version, step }: Replica): boolean {
  return version !== undefined || step?.kind === 'opening';
}

/** The version that the replica will have without its backlog; undefined when it has to begin anew. */
export function heldVersion({ version, step }: Replica): number | undefined {
  if (step?.kind === 'opening') return step.start.version;
  return step?.kind === 'following' ? step.round.round + 1 : version;
}

/** Blobs that the replica still has to read. */
export function neededBlobs({ step, backlog }: Replica): readonly BlobHash[] {
  const start = step?.kind === 'fetchingPlan' || step?.kind === 'opening' ? step.start.blobs : [];
  const round = step?.kind === 'following' ? [step.round.aggregateHash] : [];
  return [...start, ...round, ...backlog.map(({ aggregateHash }) => aggregateHash)];
}
