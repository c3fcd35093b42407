import { assert } from '../../shared/base/assert.ts';
import type { ErrorCode } from '../../shared/base/errors.ts';
import type { JobId, WorkerId } from '../../shared/base/ids.ts';
import { limits } from '../../shared/base/limits.ts';
import { measure } from './adaptive-plan.ts';
import type { JobRun, Reducing, Worker } from './coordinator-state.ts';
import { countEvaluation } from './evaluation.ts';
import type { ContributionReceived, ContributionReduced, EvaluationReported } from './events.ts';
import { advance, proposeState } from './job-run.ts';
import { computingMs, forgetLease, releaseLease } from './leases.ts';
import { holdUnit, isHeldByWorker } from './ring/held-units.ts';
import { countUnit, reducingOf, takeIn, takeReduced } from './round.ts';
import { refuse, type Turn } from './turn.ts';
import { type AdmittedContribution, admitContribution, admitEvaluation, type Refused } from './validation.ts';
import { admitWorker, countRefusal } from './workers.ts';

/** What hedged units and the end of a round do to honest workers. */
const overtakenCodes: ReadonlySet<ErrorCode> = new Set(['duplicate', 'wrongRound', 'tooStale']);

/** Hop 7: a header against the state. What is admitted goes on to the reducer with its call unanswered. */
export function receiveContribution(turn: Turn, event: ContributionReceived): void {
  const worker = admitWorker(turn, event.call, event.workerId);
  if (worker === undefined) return;
  worker.bytesReceived += event.heldAt?.bytes ?? event.payload.byteLength;
  const verdict = admitContribution(turn.state, event, turn.nowMs);
  if (verdict.admitted) measure(turn, verdict.job, verdict.run, worker, verdict.lease, event);
  if (!verdict.admitted) refuseResult(turn, event, verdict);
  else if (isHeldByWorker(event)) receiveHeld(turn, verdict, event);
  else takeIn(turn, verdict, event);
  worker.lastResultMs = turn.nowMs;
}

/** Hops 8 and 9 are done: the values were fit to count, or were not. */
export function contributionReduced(turn: Turn, event: ContributionReduced): void {
  const { state } = turn;
  const run = state.runs.get(event.jobId);
  const job = state.replicated.jobs.get(event.jobId);
  const reducing = run === undefined ? undefined : takeReduced(turn, run, event);
  if (run === undefined || job === undefined || reducing === undefined) return;
  if (!event.outcome.accepted) {
    refuseValues(turn, run, reducing, event.outcome);
    advance(turn, event.jobId);
    return;
  }
  recordCounted(turn, run, reducing);
  advance(turn, event.jobId);
}

/** The worker keeps its update for the ring: the unit counts as long as the worker is there. */
function receiveHeld(turn: Turn, admitted: AdmittedContribution, event: ContributionReceived): void {
  const { state, nowMs } = turn;
  const { job, run, pool, lease, codec } = admitted;
  const { round } = run;
  assert(round?.ring !== undefined, 'a ring was asked for');
  const elapsedMs = computingMs(state.workers.get(lease.workerId), lease, nowMs);
  pool.beginReducing(lease.unit, lease.leaseId);
  forgetLease(state, lease);
  const reducing = reducingOf(state, job, round, { event, lease, pool, codec, elapsedMs });
  recordCounted(turn, run, reducing);
  holdUnit(round.ring, lease.workerId, reducing);
  advance(turn, job.jobId);
}

function recordCounted(turn: Turn, run: JobRun, reducing: Reducing): void {
  countUnit(turn, run, reducing);
  const worker = turn.state.workers.get(reducing.workerId);
  if (worker !== undefined) recordPace(worker, run, reducing.elapsedMs);
  run.unitTimes.add(reducing.elapsedMs);
  recordResult(run, worker);
}

export function receiveEvaluation(turn: Turn, event: EvaluationReported): void {
  const worker = admitWorker(turn, event.call, event.workerId);
  if (worker === undefined) return;
  worker.lastResultMs = turn.nowMs;
  const verdict = admitEvaluation(turn.state, event, turn.nowMs);
  if (!verdict.admitted) {
    refuseResult(turn, event, verdict);
    return;
  }
  countEvaluation(turn, verdict, event);
  recordResult(verdict.run, worker);
  advance(turn, event.jobId);
}

function refuseResult(
  turn: Turn,
  { call, jobId, workerId }: ContributionReceived | EvaluationReported,
  { code, message, field, lease }: Refused,
): void {
  refuse(turn, call, code, message, field);
  if (lease !== undefined) releaseLease(turn.state, lease);
  recordRefusal(turn, jobId, workerId, code);
}

function refuseValues(
  turn: Turn,
  run: JobRun,
  { call, workerId, pool, unit }: Reducing,
  { code, message }: { readonly code: ErrorCode; readonly message: string },
): void {
  if (call !== undefined) refuse(turn, call, code, message, 'payload');
  pool.failReducing(unit);
  recordRefusal(turn, run.jobId, workerId, code);
}

function recordResult(run: JobRun, worker: Worker | undefined): void {
  run.divergence.refusals = 0;
  run.divergence.workers.clear();
  if (worker !== undefined) worker.unitsAccepted += 1;
}

/** How many median units this worker's last one took; a worker that gets faster is believed by and by. */
function recordPace(worker: Worker, run: JobRun, elapsedMs: number): void {
  const typicalMs = run.unitTimes.estimate()?.medianMs ?? elapsedMs;
  const observed = typicalMs > 0 ? elapsedMs / typicalMs : 1;
  worker.pace = Math.max(1, observed, (worker.pace + observed) / 2);
}

function recordRefusal(turn: Turn, jobId: JobId, workerId: WorkerId, code: ErrorCode): void {
  const run = turn.state.runs.get(jobId);
  if (run !== undefined) {
    if (overtakenCodes.has(code)) run.overtaken += 1;
    else run.refused += 1;
    if (code === 'notFinite' || code === 'normTooLarge') recordDivergence(turn, run, workerId);
  }
  countRefusal(turn, workerId, code);
}

/**
 * A few workers may lie; when everyone who computes for the job returns impossible values, the job itself has
 * diverged. It waits for its admin, who may resume or cancel it. A worker that is alone with the job is believed only if
 * something that it computed has counted: otherwise it is a stranger who says so.
 */
function recordDivergence(turn: Turn, run: JobRun, workerId: WorkerId): void {
  const { state } = turn;
  const { divergence, holders, members } = run;
  divergence.refusals += 1;
  divergence.workers.add(workerId);
  if (divergence.refusals < limits.divergedRefusals) return;
  for (const serving of [...holders.keys(), ...members]) if (!divergence.workers.has(serving)) return;
  const isBelieved = divergence.workers.size > 1 || (state.workers.get(workerId)?.unitsAccepted ?? 0) > 0;
  if (!isBelieved) return;
  const reason = `The last ${divergence.refusals} updates were not finite or too large: training has diverged. Lower the learning rate or set clipNorm, and submit the job again; or resume it.`;
  proposeState(turn, run, 'paused', reason);
}
