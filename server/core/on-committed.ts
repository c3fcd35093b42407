import { assertNever } from '../../shared/base/assert.ts';
import { applyCommand } from './apply-command.ts';
import { giveBackRefused, reachEpoch, settleClaims } from './blob-removal.ts';
import type { Command, JobStateChanged, RoundCommitted } from './commands.ts';
import type { JobRun } from './coordinator-state.ts';
import { voidEvaluation } from './evaluation.ts';
import type { Event } from './events.ts';
import type { JobRecord } from './job-record.ts';
import { advance, closeRun, discardRound, openRun, voidOpenWork } from './job-run.ts';
import { blobsToSecure } from './named-blobs.ts';
import { keepForLater } from './parked.ts';
import { followCheckpoint, queueRound, reconcileReplicas } from './replicas.ts';
import { voidRound } from './round.ts';
import { log, refuse, type Turn } from './turn.ts';
import { jobProgress } from './views.ts';

/** A command is durable on a majority: apply it, then act on it, then answer. */
export function onCommitted(turn: Turn, event: Extract<Event, { kind: 'committed' }>): void {
  const { state, effects } = turn;
  const { index, epoch, command, call } = event;
  if (index <= state.replicated.appliedIndex) return;
  reachEpoch(state, epoch);
  const isFollower = state.isLive && state.epoch === undefined;
  const named = isFollower ? blobsToSecure(state.replicated, command) : [];
  const outcome = applyCommand(state.replicated, index, command);
  if (!outcome.applied) {
    log(turn, 'warn', 'command had no effect', { index, command: command.kind, reason: outcome.message });
    beginAgain(turn, command);
    giveBackRefused(state, command);
    if (call !== undefined) refuse(turn, call, outcome.code, outcome.message, outcome.field);
    return;
  }
  settleClaims(state, command);
  for (const hash of outcome.released) state.released.add(hash);
  if (named.length > 0) effects.push({ kind: 'fetchBlobs', hashes: named, isExpected: true });
  if ('jobId' in command) {
    follow(turn, command);
    effects.push({ kind: 'jobChanged', jobId: command.jobId });
  }
  if (call !== undefined) effects.push({ kind: 'answerCommitted', call, index });
}

function follow(turn: Turn, command: Extract<Command, { readonly jobId: JobRecord['jobId'] }>): void {
  const { state } = turn;
  const job = state.replicated.jobs.get(command.jobId);
  const run = state.runs.get(command.jobId);
  if (job === undefined) return;
  switch (command.kind) {
    case 'jobSubmitted':
      if (state.epoch !== undefined) openRun(turn, job);
      reconcileReplicas(turn);
      break;
    case 'jobStateChanged':
      followState(turn, job, run, command);
      break;
    case 'roundCommitted':
      followRound(turn, job, run, command);
      break;
    case 'strategyChanged':
      break;
    case 'evaluationCommitted':
      if (run?.evaluation?.version === command.version) voidEvaluation(turn, run);
      break;
    case 'checkpointCommitted':
      if (run?.checkpoint?.version === command.version) run.checkpoint = undefined;
      followCheckpoint(turn, job);
      break;
    default:
      assertNever(command);
  }
  advance(turn, command.jobId);
}

function followState(
  turn: Turn,
  job: JobRecord,
  run: JobRun | undefined,
  { state: to, reason }: JobStateChanged,
): void {
  const { state, nowMs } = turn;
  const replica = state.replicas.get(job.jobId);
  if (to !== 'running' && run !== undefined) {
    const message = `Job ${job.jobId} is ${to}${reason === '' ? '.' : `: ${reason}`}`;
    closeRun(turn, run, { code: 'jobNotRunning', message });
  }
  if (to === 'running') {
    if (run === undefined && state.epoch !== undefined) openRun(turn, job);
    if (replica !== undefined) {
      replica.failures = 0;
      replica.retryAtMs = nowMs;
    }
  }
  reconcileReplicas(turn);
}

/** The leader that made the round installs what it has; everyone else makes the outer step from the aggregate. */
function followRound(turn: Turn, job: JobRecord, run: JobRun | undefined, command: RoundCommitted): void {
  const { state, effects } = turn;
  const { round, aggregateHash, parametersHash, atMs } = command;
  const replica = state.replicas.get(job.jobId);
  // The command tells of the time up to its proposal; what the log took is counted with the next round.
  if (run !== undefined) run.runningSinceMs = Math.max(run.runningSinceMs, atMs);
  const isOurs =
    run?.isOpen === true &&
    run.round?.phase === 'committing' &&
    // What is published is coarse: other units may give the same, and another optimizer state.
    run.round.stored?.aggregateHash === aggregateHash &&
    run.round.stored.parametersHash === parametersHash;
  if (run === undefined || replica === undefined || !isOurs) {
    if (run !== undefined) voidOpenWork(turn, run, 'The round was closed without this contribution.');
    queueRound(turn, job, command);
    return;
  }
  if (run.round?.strategy.isEndless === true) keepForLater(run);
  else voidRound(turn, run, { code: 'wrongRound', message: 'The round is committed.' });
  replica.version = round + 1;
  effects.push({ kind: 'installRound', jobId: job.jobId, round });
  effects.push({
    kind: 'publishUpdate',
    jobId: job.jobId,
    baseVersion: round,
    version: round + 1,
    parametersHash,
    progress: jobProgress(turn.state, job),
  });
}

/** The log did not take the command. Whoever waits is told; what the job still needs is begun again. */
export function onProposalFailed(turn: Turn, event: Extract<Event, { kind: 'proposalFailed' }>): void {
  const { command, call, code, message } = event;
  if (call !== undefined) refuse(turn, call, code, message);
  log(turn, 'warn', 'proposal failed', { command: command.kind, reason: message });
  beginAgain(turn, command);
}

/** Takes back what waited for `command`; the next tick starts it anew. */
function beginAgain(turn: Turn, command: Command): void {
  if (!('jobId' in command)) return;
  const run = turn.state.runs.get(command.jobId);
  const job = turn.state.replicated.jobs.get(command.jobId);
  if (run === undefined || job === undefined) return;
  switch (command.kind) {
    case 'jobStateChanged':
      if (run.isStateProposed) goOnAfterAll(turn, run);
      return;
    case 'roundCommitted':
      if (run.round?.phase === 'committing' && run.round.round === command.round) {
        discardRound(turn, run, 'The round could not be committed.');
      }
      return;
    case 'evaluationCommitted':
      if (run.evaluation?.version === command.version) voidEvaluation(turn, run);
      return;
    case 'checkpointCommitted':
      if (run.checkpoint?.version === command.version) run.checkpoint = undefined;
      return;
    default:
  }
}

/** The job was to be paused or ended, and was not. */
function goOnAfterAll(turn: Turn, run: JobRun): void {
  const replica = turn.state.replicas.get(run.jobId);
  run.isStateProposed = false;
  discardRound(turn, run, 'The round was closed without this contribution.');
  if (replica?.retryAtMs === Number.POSITIVE_INFINITY) replica.retryAtMs = turn.nowMs;
}
