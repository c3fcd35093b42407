import { GradswarmError } from '../../../shared/base/errors.ts';
import type { BlobHash, JobId } from '../../../shared/base/ids.ts';
import { type OuterStepRules, outerStep } from '../../../shared/optim/outer-step.ts';
import { copyState, initialState, type TrainingState } from '../../../shared/optim/training-state.ts';
import { floatsOf } from '../../../shared/tensor/bytes.ts';
import { createManifest, manifestText } from '../../../shared/tensor/manifest.ts';
import type { BlobStore, CheckpointStore, TrainerJob } from '../ports.ts';
import { readVectorBlob } from '../vector-blob.ts';
import { parametersHashOf } from './parameters-hash.ts';
import type { Reducers } from './sum/reducers.ts';

export interface TrainerStores {
  readonly blobs: BlobStore;
  readonly checkpoints: CheckpointStore;
  /** Threads that help to add contributions to long vectors. */
  readonly reducers?: Reducers;
}

export interface OpenedState {
  readonly state: TrainingState;
  /** Another state of the job, to be written over. */
  readonly spare: TrainingState;
  readonly parametersHash: BlobHash;
}

/**
 * The state that the log describes: the newest checkpoint, or the initial parameters, and every committed round since.
 * Each replayed round must give the hash that was committed.
 * @throws GradswarmError `notFound` for a missing blob, `corrupted` for one that does not belong, `hashMismatch`.
 */
export function openState(job: TrainerJob, rules: OuterStepRules, stores: TrainerStores): OpenedState {
  let state = startState(job, rules, stores);
  let spare = copyState(state);
  for (const { round, aggregateHash, parametersHash } of job.plan.replay) {
    if (round !== state.version) {
      throw corrupted(job, `round ${round} was to be replayed onto version ${state.version}`);
    }
    const aggregate = readAggregate(job, rules, stores, round, aggregateHash);
    const next = outerStep(rules, state, aggregate, spare).state;
    const hash = parametersHashOf(next.published);
    if (hash !== parametersHash) {
      const message = `replaying round ${round} of ${job.jobId} gives parameters ${hash}, but ${parametersHash} was committed`;
      throw new GradswarmError('hashMismatch', message);
    }
    spare = state;
    state = next;
  }
  return { state, spare, parametersHash: parametersHashOf(state.published) };
}

/** @throws GradswarmError `notFound` or `corrupted`. */
export function readAggregate(
  job: TrainerJob,
  rules: OuterStepRules,
  stores: TrainerStores,
  round: number,
  hash: BlobHash,
): Float32Array {
  const { length } = rules.manifest;
  const aggregate = readVectorBlob(stores.blobs.get(hash), length, aggregateOwner(job.jobId, round));
  if (aggregate === undefined) throw corrupted(job, `blob ${hash} is not the aggregate of round ${round}`);
  return aggregate;
}

/** Whose an aggregate is. */
export function aggregateOwner(jobId: JobId, round: number): string {
  return `aggregate of round ${round} of job ${jobId}`;
}

function startState(job: TrainerJob, rules: OuterStepRules, stores: TrainerStores): TrainingState {
  const { checkpointHash, initialParametersHash } = job.plan;
  if (checkpointHash === undefined) {
    const length = rules.manifest.length;
    return initialState(rules.optimizer, vectorFrom(job, stores, initialParametersHash, length));
  }
  const checkpoint = stores.checkpoints.load(checkpointHash);
  const isOurs =
    checkpoint.jobId === job.jobId &&
    checkpoint.optimizer === job.optimizer.kind &&
    manifestText(createManifest(checkpoint.tensors)) === manifestText(rules.manifest);
  if (!isOurs) throw corrupted(job, `checkpoint ${checkpointHash} belongs to another job or model`);
  return checkpoint.state;
}

function vectorFrom(job: TrainerJob, stores: TrainerStores, hash: BlobHash, length: number): Float32Array {
  const bytes = stores.blobs.get(hash);
  if (bytes.byteLength !== 4 * length) {
    throw corrupted(job, `blob ${hash} has ${bytes.byteLength} bytes where ${4 * length} are expected`);
  }
  return floatsOf(bytes);
}

function corrupted(job: TrainerJob, what: string): GradswarmError {
  return new GradswarmError(
    'corrupted',
    `Job ${job.jobId} cannot be opened: ${what}. Restore the data folder from a copy, or cancel the job.`,
  );
}
