import type { Event, RoundStored } from './events.ts';
import { advance, proposeState, reopenRun } from './job-run.ts';
import { keepStored } from './round.ts';
import { log, type Turn } from './turn.ts';

export function trainerOpened(turn: Turn, event: Extract<Event, { kind: 'trainerOpened' }>): void {
  const { jobId, version, parametersHash } = event;
  const run = turn.state.runs.get(jobId);
  const job = turn.state.replicated.jobs.get(jobId);
  if (run === undefined || job === undefined || run.isOpen) return;
  if (version !== job.version) {
    reopenRun(turn, run, job);
    return;
  }
  if (parametersHash !== job.parametersHash) {
    const reason = `Version ${version} as replayed does not have the committed hash: a stored blob or the build differs.`;
    proposeState(turn, run, 'paused', reason);
    return;
  }
  run.isOpen = true;
  log(turn, 'info', 'job opened', { jobId, version });
  advance(turn, jobId);
}

/** Disk full, a corrupted blob: the job waits for its admin, and has lost nothing that was committed. */
export function trainerFailed(turn: Turn, event: Extract<Event, { kind: 'trainerFailed' }>): void {
  const { jobId, code, message } = event;
  const run = turn.state.runs.get(jobId);
  if (run === undefined) return;
  log(turn, 'error', 'trainer failed', { jobId, code, reason: message });
  run.isOpen = false;
  proposeState(turn, run, 'paused', `The coordinator could not go on (${code}): ${message}`);
}

export function roundStored(turn: Turn, event: RoundStored): void {
  const run = turn.state.runs.get(event.jobId);
  const round = run?.round;
  if (run === undefined || round?.phase !== 'storing' || round.round !== event.round) return;
  if (!event.finite) {
    const reason = `Round ${event.round} would make parameters that are not finite. The model of version ${event.round} is kept; lower the learning rate or set clipNorm.`;
    proposeState(turn, run, 'failed', reason);
    return;
  }
  keepStored(round, event);
  advance(turn, event.jobId);
}

export function checkpointStored(turn: Turn, event: Extract<Event, { kind: 'checkpointStored' }>): void {
  const { jobId, version, manifestHash, blobs } = event;
  const { state, nowMs, effects } = turn;
  const run = state.runs.get(jobId);
  if (run?.checkpoint?.version !== version || run.checkpoint.blobs !== undefined) return;
  run.checkpoint = { version, blobs: [manifestHash, ...blobs] };
  const command = { kind: 'checkpointCommitted', jobId, version, manifestHash, blobs, atMs: nowMs } as const;
  effects.push({ kind: 'propose', command });
}
