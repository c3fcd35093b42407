import type { BlobHash, JobId } from '../../shared/base/ids.ts';
import { limits } from '../../shared/base/limits.ts';
import { codecText } from '../../shared/codec/codec-spec.ts';
import type { DatasetManifest } from '../../shared/data/dataset-manifest.ts';
import { testSampleCount } from '../../shared/data/sampling.ts';
import type { JobDocument } from '../../shared/job/job-document.ts';
import { tokenContext } from '../../shared/model/token-context.ts';
import { firstPlan, type PlanChange, type RoundPlan } from '../../shared/sync/round-plan.ts';
import type { TensorDeclaration } from '../../shared/tensor/manifest.ts';
import { createManifest } from '../../shared/tensor/manifest.ts';
import type { JobState, JobSubmitted } from './commands.ts';
import type { HistoryPoint } from './history.ts';

export interface EvaluationRecord {
  readonly version: number;
  readonly loss: number;
  readonly accuracy?: number;
  readonly samples: number;
  readonly atMs: number;
}

export interface CheckpointRecord {
  readonly version: number;
  readonly manifestHash: BlobHash;
  readonly blobs: readonly BlobHash[];
  readonly atMs: number;
}

export interface AggregateRecord {
  readonly round: number;
  readonly aggregateHash: BlobHash;
  readonly parametersHash: BlobHash;
}

/** When a round was committed, and the job's samples with it: for rates. */
export interface PaceMark {
  readonly version: number;
  readonly samples: number;
  readonly runningMs: number;
}

/** Everything the cluster agrees on about one job. Plain data: a snapshot holds it as it is. */
export interface JobRecord {
  readonly jobId: JobId;
  readonly document: JobDocument;
  readonly dataset: DatasetManifest;
  readonly tensors: readonly TensorDeclaration[];
  /** Elements of the flat vector. */
  readonly parameters: number;
  readonly manifestHash: BlobHash;
  readonly initialParametersHash: BlobHash;
  readonly testSamples: number;
  readonly createdAtMs: number;
  state: JobState;
  stateReason: string;
  stateSinceMs: number;
  /** Committed rounds; round `version` is the next one. */
  version: number;
  parametersHash: BlobHash;
  /** First sample of the next round in the job's endless stream. */
  samplePosition: number;
  /** Samples of the units counted. */
  samplesCounted: number;
  /** What the next round is run by. */
  plan: RoundPlan;
  /** The newest changes of the plan, oldest first. */
  planChanges: PlanChange[];
  unitsCounted: number;
  /** Time in state `running` up to the last committed round or change of state, outages of all coordinators left out. */
  runningMs: number;
  /** `atMs` of the command that counted running time last: no later one can count the same time again. */
  countedUntilMs?: number;
  trainingLoss?: number;
  evaluation?: EvaluationRecord;
  checkpoint?: CheckpointRecord;
  /** Rounds that the newest checkpoint does not hold, in order: what a new trainer replays. */
  aggregates: AggregateRecord[];
  history: HistoryPoint[];
  /** The newest rounds, oldest first. */
  pace: PaceMark[];
  /** `engine/build` of every contribution that was ever counted; one entry means that the run can be repeated bit by bit. */
  determinismClasses: string[];
}

export function createJobRecord(command: JobSubmitted): JobRecord {
  const { jobId, document, dataset, tensors, manifestHash, initialParametersHash, atMs } = command;
  return {
    jobId,
    document,
    dataset,
    tensors,
    parameters: createManifest(tensors).length,
    manifestHash,
    initialParametersHash,
    testSamples: countTestSamples(command),
    createdAtMs: atMs,
    state: 'running',
    stateReason: '',
    stateSinceMs: atMs,
    version: 0,
    parametersHash: initialParametersHash,
    samplePosition: 0,
    samplesCounted: 0,
    plan: initialPlan(document),
    planChanges: [],
    unitsCounted: 0,
    runningMs: 0,
    countedUntilMs: atMs,
    aggregates: [],
    history: [],
    pace: [{ version: 0, samples: 0, runningMs: 0 }],
    determinismClasses: [],
  };
}

/** The adaptive policy says all that it may change from the first round on, so that plans can be compared. */
export function initialPlan({ strategy, localSteps, codec }: JobDocument): RoundPlan {
  const plan = firstPlan(strategy);
  if (plan.adaptive === undefined) return plan;
  const [first, ...others] = codec.up;
  return {
    ...plan,
    ...(localSteps === undefined ? {} : { localSteps: localSteps.steps }),
    ...(first === undefined || others.length === 0 ? {} : { codec: codecText(first) }),
  };
}

export function isFinal(state: JobState): boolean {
  return state === 'finished' || state === 'cancelled' || state === 'failed';
}

/** Test samples of one evaluation; 0 when the job is never evaluated. */
export function evaluationSamples({ document, testSamples }: JobRecord): number {
  const { samplesMax, batchSize } = document.evaluation;
  return Math.min(samplesMax, testSamples, batchSize * limits.evaluationUnitsMax);
}

function countTestSamples({ document, dataset, context }: JobSubmitted): number {
  if (dataset.kind === 'records') return testSampleCount(dataset, 0);
  const tokens = context ?? tokenContext(document.model);
  return tokens > 0 ? testSampleCount(dataset, tokens) : 0;
}
