import type { JobId } from '../../shared/base/ids.ts';
import { limits } from '../../shared/base/limits.ts';
import { aggregatesMax } from './checkpoint-policy.ts';
import type { RoundCommitted } from './commands.ts';
import type { JobRecord } from './job-record.ts';
import { advance } from './job-run.ts';
import {
  createReplica,
  heldVersion,
  isInTrainer,
  type Replica,
  type ReplicaStep,
  startOf,
} from './replica.ts';
import type { ReplicatedState } from './replicated-state.ts';
import type { Turn } from './turn.ts';

/**
 * Keeps a replica of every running job, and of so many paused ones as leave their number bounded: those that were
 * paused last. The others' tensors are only on the disk.
 */
export function reconcileReplicas(turn: Turn): void {
  const { replicas, replicated, isLive } = turn.state;
  if (!isLive) return;
  const wanted = replicatedJobs(replicated);
  for (const replica of [...replicas.values()]) {
    if (wanted.has(replica.jobId)) continue;
    close(turn, replica);
    replicas.delete(replica.jobId);
  }
  for (const jobId of wanted) if (!replicas.has(jobId)) replicas.set(jobId, createReplica(jobId));
  for (const jobId of wanted) tendReplica(turn, jobId);
}

function replicatedJobs({ jobs }: ReplicatedState): ReadonlySet<JobId> {
  const running: JobRecord[] = [];
  const paused: JobRecord[] = [];
  for (const job of jobs.values()) {
    if (job.state === 'running') running.push(job);
    if (job.state === 'paused') paused.push(job);
  }
  paused.sort((a, b) => b.stateSinceMs - a.stateSinceMs);
  const room = Math.max(0, limits.jobsRunningMax - running.length);
  return new Set([...running, ...paused.slice(0, room)].map(({ jobId }) => jobId));
}

/** Starts what the replica needs next. At the committed version it needs nothing, and its job may be led. */
export function tendReplica(turn: Turn, jobId: JobId): void {
  const { state, nowMs } = turn;
  const replica = state.replicas.get(jobId);
  const job = state.replicated.jobs.get(jobId);
  if (!state.isLive || replica === undefined || job === undefined) return;
  if (replica.step !== undefined || nowMs < replica.retryAtMs) return;
  const [round] = replica.backlog;
  if (replica.version === undefined) fetch(turn, replica, { kind: 'fetchingPlan', start: startOf(job) });
  else if (round !== undefined) fetch(turn, replica, { kind: 'fetchingRound', round });
  else openRunOf(turn, jobId);
}

function openRunOf(turn: Turn, jobId: JobId): void {
  const run = turn.state.runs.get(jobId);
  if (run === undefined || run.isOpen) return;
  run.isOpen = true;
  advance(turn, jobId);
}

function fetch(
  turn: Turn,
  replica: Replica,
  step: Extract<ReplicaStep, { kind: 'fetchingPlan' | 'fetchingRound' }>,
): void {
  if (step.kind === 'fetchingPlan') replica.backlog = [];
  const attempt = beginStep(replica, step);
  const { jobId, mustVerify } = replica;
  turn.effects.push({
    kind: 'fetchBlobs',
    hashes: step.kind === 'fetchingPlan' ? step.start.blobs : [step.round.aggregateHash],
    isExpected: step.kind === 'fetchingRound',
    replica: { jobId, attempt, mustVerify },
  });
}

export function beginStep(replica: Replica, step: ReplicaStep): number {
  replica.step = step;
  replica.attempt += 1;
  return replica.attempt;
}

/** A round was committed that the leader's own work did not make here. */
export function queueRound(turn: Turn, job: JobRecord, command: RoundCommitted): void {
  const replica = turn.state.replicas.get(job.jobId);
  if (replica === undefined) return;
  const { round, aggregateHash, parametersHash } = command;
  // One that has not begun will begin from a plan that holds the round.
  if (replica.version !== undefined || replica.step !== undefined)
    replica.backlog.push({ round, aggregateHash, parametersHash });
  // The newest checkpoint is nearer, and the aggregates need not be kept.
  if (replica.backlog.length > aggregatesMax(job)) restartReplica(turn, replica);
  tendReplica(turn, job.jobId);
}

/** While its plan is fetched, a newer checkpoint is the better beginning, and the only one that stays. */
export function followCheckpoint(turn: Turn, job: JobRecord): void {
  const replica = turn.state.replicas.get(job.jobId);
  if (replica?.step?.kind !== 'fetchingPlan') return;
  replica.step = undefined;
  tendReplica(turn, job.jobId);
}

/** A snapshot of the log took the place of the commands that the replica would have followed. */
export function realignReplica(turn: Turn, replica: Replica, job: JobRecord): void {
  const held = heldVersion(replica);
  const first = job.checkpoint?.version ?? 0;
  if (held !== undefined && held < first) {
    restartReplica(turn, replica);
  } else if (held !== undefined) {
    const underWay = replica.step?.kind === 'following' ? [replica.step.round] : [];
    replica.backlog = [...underWay, ...job.aggregates.filter(({ round }) => round >= held)];
  }
  if (replica.step?.kind === 'fetchingPlan' || replica.step?.kind === 'fetchingRound') {
    replica.step = undefined;
  }
}

/** Gives up what the trainer holds. The next step loads the newest checkpoint. */
export function restartReplica(turn: Turn, replica: Replica): void {
  close(turn, replica);
  replica.version = undefined;
  replica.step = undefined;
  replica.backlog = [];
  const run = turn.state.runs.get(replica.jobId);
  if (run !== undefined) run.isOpen = false;
}

function close({ effects }: Turn, replica: Replica): void {
  if (isInTrainer(replica)) effects.push({ kind: 'closeTrainer', jobId: replica.jobId });
}
