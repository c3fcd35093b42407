import { assertNever } from '../../shared/base/assert.ts';
import { applyCommand } from './apply-command.ts';
import type { Command, JobStateChanged, RoundCommitted } from './commands.ts';
import type { JobRun } from './coordinator-state.ts';
import { voidEvaluation } from './evaluation.ts';
import type { Event } from './events.ts';
import type { JobRecord } from './job-record.ts';
import { advance, closeRun, discardRound, openRun, reopenRun } from './job-run.ts';
import { voidRound } from './round.ts';
import { log, refuse, type Turn } from './turn.ts';
import { jobProgress } from './views.ts';

/** A command is durable on a majority: apply it, then act on it where this coordinator leads, then answer. */
export function onCommitted(turn: Turn, event: Extract<Event, { kind: 'committed' }>): void {
  const { state, effects } = turn;
  const { index, command, call } = event;
  if (index <= state.replicated.appliedIndex) return;
  const outcome = applyCommand(state.replicated, index, command);
  if (!outcome.applied) {
    log(turn, 'warn', 'command had no effect', { index, command: command.kind, reason: outcome.message });
    beginAgain(turn, command);
    if (call !== undefined) refuse(turn, call, outcome.code, outcome.message, outcome.field);
    return;
  }
  for (const hash of outcome.released) state.released.add(hash);
  follow(turn, command);
  if ('jobId' in command) effects.push({ kind: 'jobChanged', jobId: command.jobId });
  if (call !== undefined) effects.push({ kind: 'answerCommitted', call, index });
}

function follow(turn: Turn, command: Command): void {
  const { state } = turn;
  if (state.epoch === undefined || !('jobId' in command)) return;
  const job = state.replicated.jobs.get(command.jobId);
  const run = state.runs.get(command.jobId);
  if (job === undefined) return;
  switch (command.kind) {
    case 'jobSubmitted':
      openRun(turn, job);
      break;
    case 'jobStateChanged':
      followState(turn, job, run, command);
      break;
    case 'roundCommitted':
      if (run !== undefined) followRound(turn, job, run, command);
      break;
    case 'evaluationCommitted':
      if (run?.evaluation?.version === command.version) voidEvaluation(turn, run);
      break;
    case 'checkpointCommitted':
      if (run?.checkpoint?.version === command.version) run.checkpoint = undefined;
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
  { state, reason }: JobStateChanged,
): void {
  if (state === 'running') {
    if (run === undefined) openRun(turn, job);
  } else if (run !== undefined) {
    const message = `Job ${job.jobId} is ${state}${reason === '' ? '.' : `: ${reason}`}`;
    closeRun(turn, run, { code: 'jobNotRunning', message });
  }
}

function followRound(turn: Turn, job: JobRecord, run: JobRun, command: RoundCommitted): void {
  const { effects } = turn;
  const { round, parametersHash, elapsedMs = 0 } = command;
  // The command tells of the time up to its proposal; what the log took is counted with the next round.
  run.runningSinceMs += elapsedMs;
  const isOurs = run.round?.phase === 'committing' && run.round.stored?.parametersHash === parametersHash;
  if (!run.isOpen || !isOurs) {
    reopenRun(turn, run, job);
    return;
  }
  voidRound(turn, run, { code: 'wrongRound', message: 'The round is committed.' });
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
      if (run.isStateProposed) reopenRun(turn, run, job);
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
