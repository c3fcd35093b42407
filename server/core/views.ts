import type { JobId } from '../../shared/base/ids.ts';
import { codecText } from '../../shared/codec/codec-spec.ts';
import type { PublicJob } from '../../shared/job/public-job.ts';
import { type PlanChange, planText } from '../../shared/sync/round-plan.ts';
import type { CoordinatorState, Worker } from './coordinator-state.ts';
import type { JobProgress } from './effect-values.ts';
import type { HistoryPoint } from './history.ts';
import type { JobRecord } from './job-record.ts';
import { runningMs } from './job-run.ts';
import { fractionDone, remainingMs } from './stop-rule.ts';
import { quarantinedUntilMs } from './workers.ts';

/** One job for its admin: `JobStatus` of admin.proto. */
export interface JobStatusView {
  readonly jobId: JobId;
  readonly title: string;
  readonly owner: string;
  readonly state: string;
  readonly stateReason: string;
  readonly progress: JobProgress;
  readonly version: number;
  readonly parametersHash: string;
  readonly parameters: number;
  readonly samples: number;
  readonly fractionDone: number;
  /** Negative when it cannot be told. */
  readonly remainingMs: number;
  readonly createdAtMs: number;
  readonly runningMs: number;
  readonly unitsPerRound: number;
  readonly batchSize: number;
  readonly modelKind: string;
  readonly dataset: string;
  readonly allowAnonymous: boolean;
  readonly refusedContributions: number;
  readonly overtakenContributions: number;
  readonly unitsCounted: number;
  readonly determinismClasses: readonly string[];
  /** In words: what the next rounds are run by. */
  readonly plan: string;
  /** Rounds that a ring has summed since this coordinator leads: between its members, and through the coordinator. */
  readonly ringsDirect: number;
  readonly ringsRelayed: number;
}

/** One worker for the admin: `WorkerStatus` of admin.proto. */
export interface WorkerView
  extends Pick<
    Worker,
    | 'workerId'
    | 'name'
    | 'home'
    | 'role'
    | 'determinismClass'
    | 'device'
    | 'connectedAtMs'
    | 'samplesPerSecond'
    | 'unitsAccepted'
    | 'unitsRefused'
    | 'bytesReceived'
    | 'codec'
    | 'uplinkBytesPerSecond'
    | 'jobId'
  > {
  readonly quarantined: boolean;
}

export function jobProgress(state: CoordinatorState, job: JobRecord): JobProgress {
  return {
    round: job.version,
    trainingLoss: job.trainingLoss ?? Number.NaN,
    testLoss: job.evaluation?.loss ?? Number.NaN,
    testAccuracy: job.evaluation?.accuracy ?? Number.NaN,
    workers: state.runs.get(job.jobId)?.members.size ?? 0,
    samplesPerSecond: samplesPerSecond(job),
    state: job.state,
  };
}

export function jobStatus(state: CoordinatorState, job: JobRecord, nowMs: number): JobStatusView {
  const { document } = job;
  const run = state.runs.get(job.jobId);
  const elapsedMs = runningMs(job, run, nowMs);
  return {
    jobId: job.jobId,
    title: document.title,
    owner: document.owner,
    state: job.state,
    stateReason: job.stateReason,
    progress: jobProgress(state, job),
    version: job.version,
    parametersHash: job.parametersHash,
    parameters: job.parameters,
    samples: job.samplesCounted,
    fractionDone: fractionDone(job, elapsedMs),
    remainingMs: job.state === 'running' ? remainingMs(job, elapsedMs) : -1,
    createdAtMs: job.createdAtMs,
    runningMs: elapsedMs,
    unitsPerRound: document.unitsPerRound,
    batchSize: document.batchSize,
    modelKind: document.model.kind,
    dataset: document.dataset,
    allowAnonymous: document.allowAnonymous,
    refusedContributions: run?.refused ?? 0,
    ringsDirect: run?.ringMemory.agreed.webrtc ?? 0,
    ringsRelayed: run?.ringMemory.agreed.relay ?? 0,
    overtakenContributions: run?.overtaken ?? 0,
    unitsCounted: job.unitsCounted,
    determinismClasses: job.determinismClasses,
    plan: planText(job.plan),
  };
}

/** Newest first. */
export function listJobs(state: CoordinatorState, nowMs: number): readonly JobStatusView[] {
  return newestFirst(state).map((job) => jobStatus(state, job, nowMs));
}

/** The newest changes of what the rounds are run by, in words. */
export function planChangesOf({
  planChanges,
}: JobRecord): (Omit<PlanChange, 'plan'> & { readonly plan: string })[] {
  return planChanges.map((change) => ({ ...change, plan: planText(change.plan) }));
}

/** What the next rounds are run by: `RoundPlan` of admin.proto. */
export interface RoundPlanView {
  readonly strategyJson: string;
  readonly localSteps: number;
  readonly codecs: readonly string[];
  readonly isAdaptive: boolean;
}

export function roundPlan({ document, plan }: JobRecord): RoundPlanView {
  const codecs = document.codec.up.map(codecText);
  return {
    strategyJson: JSON.stringify(plan.strategy),
    localSteps: plan.localSteps ?? document.localSteps?.steps ?? 0,
    codecs: codecs.slice(plan.codec === undefined ? 0 : Math.max(0, codecs.indexOf(plan.codec))),
    isAdaptive: plan.adaptive !== undefined,
  };
}

export function jobHistory(job: JobRecord): readonly HistoryPoint[] {
  return job.history;
}

/** What contributors choose from, newest first. */
export function publicJobs(state: CoordinatorState, nowMs: number): readonly PublicJob[] {
  return newestFirst(state).map((job) => {
    const status = jobStatus(state, job, nowMs);
    return {
      jobId: job.jobId,
      title: status.title,
      description: job.document.description,
      owner: status.owner,
      state: job.state,
      modelKind: status.modelKind,
      dataset: status.dataset,
      parameters: status.parameters,
      allowAnonymous: status.allowAnonymous,
      round: job.version,
      fractionDone: status.fractionDone,
      remainingMs: status.remainingMs < 0 ? null : status.remainingMs,
      trainingLoss: job.trainingLoss ?? null,
      testLoss: job.evaluation?.loss ?? null,
      testAccuracy: job.evaluation?.accuracy ?? null,
      workers: status.progress.workers,
      samplesPerSecond: status.progress.samplesPerSecond,
    };
  });
}

/** In order of registration. */
export function listWorkers(state: CoordinatorState, nowMs: number): readonly WorkerView[] {
  return [...state.workers.values()].map((worker) => {
    const {
      lastSeenMs: _,
      faults: __,
      leasesFailed: _______,
      pace: ___,
      lastResultMs: ______,
      leases: ____,
      calls: _____,
      ...visible
    } = worker;
    return { ...visible, quarantined: quarantinedUntilMs(state, worker.workerId) > nowMs };
  });
}

function newestFirst({ replicated }: CoordinatorState): readonly JobRecord[] {
  return [...replicated.jobs.values()].sort((a, b) => b.createdAtMs - a.createdAtMs);
}

/** Over the newest rounds; 0 while the job does not run. */
function samplesPerSecond({ state, pace }: JobRecord): number {
  const [first, last] = [pace[0], pace.at(-1)];
  if (state !== 'running' || first === undefined || last === undefined) return 0;
  const spanMs = last.runningMs - first.runningMs;
  return spanMs > 0 ? ((last.samples - first.samples) / spanMs) * 1000 : 0;
}
