import type { JobId } from '../../shared/base/ids.ts';
import { limits } from '../../shared/base/limits.ts';
import type { Event, ReplicaEvent } from './events.ts';
import { proposeState, voidOpenWork } from './job-run.ts';
import type { Replica, ReplicaStep } from './replica.ts';
import { beginStep, restartReplica, tendReplica } from './replicas.ts';
import { log, type Turn } from './turn.ts';
import { jobProgress } from './views.ts';

type EventOf<Kind extends Event['kind']> = Extract<Event, { kind: Kind }>;

type StepOf<Kind extends ReplicaStep['kind']> = Extract<ReplicaStep, { kind: Kind }>;

/** The replica and the step that an answer belongs to; undefined when something else was asked for since. */
function answered<Kind extends ReplicaStep['kind']>(
  { state }: Turn,
  { jobId, attempt }: ReplicaEvent,
  ...kinds: readonly Kind[]
): { readonly replica: Replica; readonly step: StepOf<Kind> } | undefined {
  const replica = state.replicas.get(jobId);
  const step = replica?.step;
  const isDue = (due: ReplicaStep): due is StepOf<Kind> => kinds.some((kind) => kind === due.kind);
  return replica?.attempt === attempt && step !== undefined && isDue(step) ? { replica, step } : undefined;
}

export function blobsFetched(turn: Turn, event: EventOf<'blobsFetched'>): void {
  const { effects } = turn;
  const found = answered(turn, event, 'fetchingPlan', 'fetchingRound');
  if (found === undefined) return;
  const { replica, step } = found;
  const { jobId } = replica;
  replica.mustVerify = false;
  if ('start' in step) {
    const attempt = beginStep(replica, { kind: 'opening', start: step.start });
    effects.push({ kind: 'openTrainer', jobId, attempt, plan: step.start.plan });
  } else {
    const { round, aggregateHash } = step.round;
    const attempt = beginStep(replica, { kind: 'following', round: step.round });
    effects.push({ kind: 'followRound', jobId, attempt, round, aggregateHash });
  }
}

export function trainerOpened(turn: Turn, event: EventOf<'trainerOpened'>): void {
  const found = answered(turn, event, 'opening');
  if (found === undefined) return;
  log(turn, 'info', 'job opened', { jobId: event.jobId, version: event.version });
  arrive(turn, found.replica, event, found.step.start);
}

export function roundFollowed(turn: Turn, event: EventOf<'roundFollowed'>): void {
  const found = answered(turn, event, 'following');
  if (found === undefined) return;
  const { round, parametersHash } = found.step.round;
  found.replica.backlog.shift();
  arrive(turn, found.replica, event, { version: round + 1, parametersHash });
}

type Place = Pick<EventOf<'trainerOpened'>, 'version' | 'parametersHash'>;

/** The trainer holds a version: it has to be the one that was committed, to the bit. */
function arrive(turn: Turn, replica: Replica, is: Place, due: Place): void {
  const { jobId } = replica;
  replica.step = undefined;
  replica.failures = 0;
  if (is.version !== due.version || is.parametersHash !== due.parametersHash) {
    const message = `version ${is.version} has parameters ${is.parametersHash}; version ${due.version} was committed with ${due.parametersHash}`;
    mismatch(turn, replica, message);
    return;
  }
  replica.version = is.version;
  publish(turn, replica, is);
  tendReplica(turn, jobId);
}

/** Whoever holds an earlier version here, a cached snapshot included, learns that there is a newer one. */
function publish({ state, effects }: Turn, { jobId }: Replica, { version, parametersHash }: Place): void {
  const job = state.replicated.jobs.get(jobId);
  if (job === undefined || version === 0) return;
  const progress = jobProgress(state, job);
  effects.push({
    kind: 'publishUpdate',
    jobId,
    baseVersion: version - 1,
    version,
    parametersHash,
    progress,
  });
}

/**
 * A stored blob that decayed, a faulty memory, or another build: this coordinator must not be the one to go on from
 * here. Built anew once, because a second look costs little.
 */
function mismatch(turn: Turn, replica: Replica, message: string): void {
  const { jobId } = replica;
  replica.mismatches += 1;
  log(turn, 'error', 'replica differs from what was committed', { jobId, reason: message });
  restartReplica(turn, replica);
  if (replica.mismatches < 2) {
    tendReplica(turn, jobId);
  } else if (mayPause(turn, jobId)) {
    giveUpLeading(turn, replica, `The replica differs from what was committed: ${message}.`);
  } else {
    const remedy =
      'Check memory and disk of this machine, and that every coordinator runs the same version of gradswarm';
    const fatal = `The replica of job ${jobId} differs from what was committed, also when it is built anew: ${message}. ${remedy}.`;
    turn.effects.push({ kind: 'fatal', message: fatal });
  }
}

/** A leader can pause the job, and one that is paused hurts nobody; a follower could only go on wrongly. */
function mayPause({ state }: Turn, jobId: JobId): boolean {
  return state.epoch !== undefined || state.replicated.jobs.get(jobId)?.state !== 'running';
}

export function replicaFailed(turn: Turn, event: EventOf<'replicaFailed'>): void {
  const found = answered(turn, event, 'fetchingPlan', 'opening', 'fetchingRound', 'following');
  if (found === undefined) return;
  const { replica, step } = found;
  const { jobId, code, message } = event;
  if (code === 'hashMismatch') {
    mismatch(turn, replica, message);
    return;
  }
  log(turn, code === 'unavailable' ? 'warn' : 'error', 'replica waits', { jobId, code, reason: message });
  if (step.kind === 'opening') restartReplica(turn, replica);
  replica.step = undefined;
  replica.failures += 1;
  replica.mustVerify = code === 'corrupted';
  const isGone = 'round' in step && code === 'notFound' && isCovered(turn, replica, step.round.round);
  if (isGone) {
    // The newer checkpoint holds the round, so nobody keeps its aggregate any more.
    restartReplica(turn, replica);
    tendReplica(turn, jobId);
  } else if (code !== 'unavailable' && replica.failures > 1 && turn.state.runs.has(jobId)) {
    giveUpLeading(turn, replica, `The coordinator could not go on (${code}): ${message}`);
  } else {
    waitToRetry(turn, replica);
  }
}

function isCovered({ state }: Turn, { jobId }: Replica, round: number): boolean {
  return (state.replicated.jobs.get(jobId)?.checkpoint?.version ?? 0) > round;
}

function waitToRetry(turn: Turn, replica: Replica): void {
  const delayMs = limits.replicaRetryMsMin * 2 ** Math.min(replica.failures - 1, 16);
  replica.retryAtMs = turn.nowMs + Math.min(delayMs, limits.replicaRetryMsMax);
}

/** Nobody else may know better what to do than the job's admin, who may resume it. Until then it is left alone. */
function giveUpLeading(turn: Turn, replica: Replica, reason: string): void {
  const run = turn.state.runs.get(replica.jobId);
  replica.retryAtMs = Number.POSITIVE_INFINITY;
  if (run === undefined) return;
  voidOpenWork(turn, run, 'The coordinator lost the job.');
  proposeState(turn, run, 'paused', reason);
}
