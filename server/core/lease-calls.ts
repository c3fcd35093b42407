import { limits } from '../../shared/base/limits.ts';
import type { CoordinatorState, Lease, Worker } from './coordinator-state.ts';
import type { Event, LeaseRequested } from './events.ts';
import { isFinal, type JobRecord } from './job-record.ts';
import { expireLease, releaseLease } from './leases.ts';
import { dequeue, handOutUnits, hedgeLateUnits } from './scheduler.ts';
import { refuse, type Turn } from './turn.ts';
import type { LeaseCall } from './waiting-calls.ts';
import { admitWorker } from './workers.ts';

/** A worker asks for a unit: answered now, when one becomes free, or when its poll ends. */
export function requestLease(turn: Turn, event: LeaseRequested): void {
  const { state, nowMs } = turn;
  const worker = admitWorker(turn, event.call, event.workerId);
  if (worker === undefined || !admitRequest(turn, event, worker)) return;
  const call = state.waiting.add({
    call: event.call,
    workerId: worker.workerId,
    jobId: event.jobId,
    isAnonymous: worker.role === 'anonymous',
    untilMs: nowMs + Math.min(Math.max(0, event.pollMs), limits.leasePollMs),
    isIdle: worker.leases.size === 0,
  });
  worker.calls.add(call);
  handOutUnits(turn);
  hedgeLateUnits(turn);
  endPoll(turn, call);
}

function admitRequest(turn: Turn, { call, jobId }: LeaseRequested, worker: Worker): boolean {
  const { state } = turn;
  if (worker.leases.size + worker.calls.size >= limits.leasesPerWorkerMax) {
    const message = `A worker may hold or await ${limits.leasesPerWorkerMax} units; return one first.`;
    refuse(turn, call, 'rateLimited', message);
    return false;
  }
  if (jobId === undefined) return true;
  const job = state.replicated.jobs.get(jobId);
  if (job === undefined) {
    refuse(turn, call, 'unknownJob', `No job is named ${jobId}.`, 'job_id');
  } else if (isFinal(job.state)) {
    refuse(turn, call, 'jobNotRunning', `Job ${jobId} is ${job.state}: ${job.stateReason}`, 'job_id');
  } else if (worker.role === 'anonymous' && !job.document.allowAnonymous) {
    refuse(turn, call, 'forbidden', `Job ${jobId} takes only contributors with a token.`, 'job_id');
  } else {
    return true;
  }
  return false;
}

export function releaseLeases(turn: Turn, event: Extract<Event, { kind: 'leasesReleased' }>): void {
  const worker = turn.state.workers.get(event.workerId);
  for (const leaseId of event.leaseIds) {
    const lease = worker?.leases.get(leaseId);
    if (lease !== undefined) releaseLease(turn.state, lease);
  }
}

/** Ends leases and polls whose time is over. */
export function expireLeasesAndPolls(turn: Turn): void {
  const { state, nowMs } = turn;
  const overdue: Lease[] = [];
  for (const lease of state.leases.values()) if (lease.deadlineMs <= nowMs) overdue.push(lease);
  for (const lease of overdue) expireLease(state, lease);
  for (const call of state.waiting.all()) endPoll(turn, call);
}

function endPoll(turn: Turn, call: LeaseCall): void {
  const { state, nowMs, effects } = turn;
  if (call.untilMs > nowMs || state.waiting.get(call.call) !== call) return;
  dequeue(state, state.workers.get(call.workerId), call);
  effects.push({ kind: 'answerLease', call: call.call, reason: whyNothing(state, call) });
}

/** Why a poll ended without a unit, in words. */
function whyNothing(state: CoordinatorState, { jobId, isAnonymous }: LeaseCall): string {
  const wanted = jobId === undefined ? undefined : state.replicated.jobs.get(jobId);
  if (wanted !== undefined && wanted.state !== 'running') return `Job ${wanted.jobId} is ${wanted.state}.`;
  if (state.runs.size === 0) return 'No job is running.';
  const open = [...state.runs.keys()].filter((id) => {
    const job: JobRecord | undefined = state.replicated.jobs.get(id);
    return (jobId === undefined || id === jobId) && (!isAnonymous || job?.document.allowAnonymous === true);
  });
  if (open.length === 0) return 'No running job takes contributors without a token.';
  const isOpening = open.every((id) => state.runs.get(id)?.isOpen === false);
  return isOpening ? 'The job is being loaded.' : 'Every unit of the open round is being computed by others.';
}
