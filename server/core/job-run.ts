import { assert } from '../../shared/base/assert.ts';
import type { JobId } from '../../shared/base/ids.ts';
import { lookAtPlan } from './adaptive-plan.ts';
import { giveBack } from './blob-removal.ts';
import type { Refusal } from './check-command.ts';
import { isCheckpointDue, isCheckpointOverdue } from './checkpoint-policy.ts';
import type { JobState } from './commands.ts';
import type { JobRun } from './coordinator-state.ts';
import { evaluationCommitted, isEvaluationDue, openEvaluation, voidEvaluation } from './evaluation.ts';
import type { JobRecord } from './job-record.ts';
import { createMeasures } from './measures.ts';
import { voidEarlier } from './parked.ts';
import { createRingMemory } from './ring/ring-state.ts';
import { openRound, roundCommitted, storeWhenComplete, takeParked, voidRound } from './round.ts';
import { stopReason } from './stop-rule.ts';
import { log, type Turn } from './turn.ts';
import { createUnitTimes } from './unit-times.ts';

/** Begins to lead a running job; the rest follows when its replica is at the committed version. */
export function openRun(turn: Turn, job: JobRecord): void {
  const { state, nowMs } = turn;
  assert(!state.runs.has(job.jobId), `job ${job.jobId} is opened once`);
  state.runs.set(job.jobId, {
    jobId: job.jobId,
    isOpen: false,
    runningSinceMs: nowMs,
    round: undefined,
    earlierPools: new Map(),
    parked: [],
    evaluation: undefined,
    checkpoint: undefined,
    isStateProposed: false,
    unitTimes: createUnitTimes(),
    measures: createMeasures(job.planChanges.at(-1)?.round ?? 0),
    holders: new Map(),
    members: new Set(),
    virtualSamples: state.virtualSamples,
    refused: 0,
    overtaken: 0,
    divergence: { refusals: 0, workers: new Set() },
    ringMemory: createRingMemory(),
  });
}

/** Drops everything about the job that is not in the log. Committed rounds stay; the open one is given up. */
export function closeRun(turn: Turn, run: JobRun, refusal: Refusal): void {
  giveUpRound(turn, run, refusal);
  voidEvaluation(turn, run);
  turn.state.runs.delete(run.jobId);
}

/** The replica has to get to the committed version first: what was begun from an earlier one is given up. */
export function voidOpenWork(turn: Turn, run: JobRun, message: string): void {
  run.isOpen = false;
  giveUpRound(turn, run, { code: 'wrongRound', message });
  voidEvaluation(turn, run);
}

/**
 * Starts whatever the job needs next. Everything is derived from the committed state, so after any change, outage or
 * failure it is enough to call this again.
 */
export function advance(turn: Turn, jobId: JobId): void {
  const run = turn.state.runs.get(jobId);
  const job = turn.state.replicated.jobs.get(jobId);
  if (run === undefined || job === undefined || !run.isOpen || run.isStateProposed) return;
  const reason = stopReason(job, runningMs(job, run, turn.nowMs));
  // A round in the log may be committed any moment, and nobody would hold the version before it.
  const isSettled = run.evaluation === undefined && run.round?.phase !== 'committing';
  if (isSettled && isEvaluationDue(job, reason !== undefined)) run.evaluation = openEvaluation(job);
  proposeEvaluation(turn, job, run);
  if (reason === undefined) goOn(turn, job, run);
  else finish(turn, job, run, reason);
}

function goOn(turn: Turn, job: JobRecord, run: JobRun): void {
  if (isCheckpointDue(job)) storeCheckpoint(turn, job, run);
  if (run.round === undefined) lookAtPlan(turn, job, run);
  if (run.round === undefined && !isCheckpointOverdue(job))
    run.round = openRound(turn.state, job, turn.nowMs);
  if (run.round !== undefined) {
    takeParked(turn, job, run, run.round);
    storeWhenComplete(turn, job, run, run.round);
  }
  proposeRound(turn, job, run);
}

/** Running time up to now. */
export function runningMs(job: JobRecord, run: JobRun | undefined, nowMs: number): number {
  return job.runningMs + (run === undefined ? 0 : Math.max(0, nowMs - run.runningSinceMs));
}

/** Running time since the last round or change of state: `elapsedMs` of the next. */
export function elapsedMs({ runningSinceMs }: JobRun, nowMs: number): number {
  return Math.max(0, nowMs - runningSinceMs);
}

/** Hands a change of state to the log, once. */
export function proposeState(turn: Turn, run: JobRun, state: JobState, reason: string): void {
  if (run.isStateProposed) return;
  run.isStateProposed = true;
  const { nowMs, effects } = turn;
  const command = {
    kind: 'jobStateChanged',
    jobId: run.jobId,
    state,
    reason,
    elapsedMs: elapsedMs(run, nowMs),
    atMs: nowMs,
  } as const;
  effects.push({ kind: 'propose', command });
  log(turn, state === 'finished' ? 'info' : 'error', `job ${state}`, { jobId: run.jobId, reason });
}

/** Gives up the open round; its units will be handed out again. */
export function discardRound(turn: Turn, run: JobRun, message: string): void {
  giveUpRound(turn, run, { code: 'wrongRound', message });
}

function giveUpRound(turn: Turn, run: JobRun, refusal: Refusal): void {
  voidEarlier(turn, run, refusal);
  if (run.round === undefined) return;
  const { round, phase, stored } = run.round;
  voidRound(turn, run, refusal);
  turn.effects.push({ kind: 'discardRound', jobId: run.jobId, round });
  // What the log may still take stays claimed.
  if (phase === 'stored' && stored !== undefined) giveBack(turn.state, [stored.aggregateHash]);
}

/** The end: the last version is evaluated and checkpointed before the job is declared finished. */
function finish(turn: Turn, job: JobRecord, run: JobRun, reason: string): void {
  if (run.round?.phase === 'committing') return;
  discardRound(turn, run, 'The job has reached its goal.');
  if (run.evaluation !== undefined) return;
  if (job.checkpoint?.version === job.version) proposeState(turn, run, 'finished', reason);
  else storeCheckpoint(turn, job, run);
}

function storeCheckpoint({ effects }: Turn, { jobId, version }: JobRecord, run: JobRun): void {
  if (run.checkpoint !== undefined) return;
  run.checkpoint = { version, blobs: undefined };
  effects.push({ kind: 'storeCheckpoint', jobId, version });
}

function proposeEvaluation(turn: Turn, job: JobRecord, { evaluation }: JobRun): void {
  if (evaluation === undefined || evaluation.isProposed) return;
  if (evaluation.pool.doneCount < evaluation.pool.units) return;
  evaluation.isProposed = true;
  turn.effects.push({ kind: 'propose', command: evaluationCommitted(job, evaluation, turn.nowMs) });
}

/** While a version is evaluated every worker must be able to hold it: the next one waits. */
function proposeRound(turn: Turn, job: JobRecord, run: JobRun): void {
  const { round, evaluation } = run;
  if (round?.phase !== 'stored' || evaluation !== undefined) return;
  const { nowMs, effects } = turn;
  round.phase = 'committing';
  // What the command says of the samples taken has to stay true.
  round.pool.end();
  const command = roundCommitted(job, round, nowMs, elapsedMs(run, nowMs));
  effects.push({ kind: 'propose', command });
}
