import type { ErrorCode } from '../../shared/base/errors.ts';
import { limits } from '../../shared/base/limits.ts';
import { codecText } from '../../shared/codec/codec-spec.ts';
import type { CoordinatorState, Evaluation, JobRun, Lease } from './coordinator-state.ts';
import type { ContributionReceived, EvaluationReported } from './events.ts';
import { codecsOf } from './job-codecs.ts';
import type { JobRecord } from './job-record.ts';
import { isHeldByWorker, mayHold } from './ring/held-units.ts';
import { currentStrategy, staleMessage } from './round-strategy.ts';
import type { UnitPool } from './unit-pool.ts';

/** A refusal names a code of the error table; `lease` is the worker's own live lease, which ends with it. */
export interface Refused {
  readonly admitted: false;
  readonly code: ErrorCode;
  readonly message: string;
  readonly field?: string;
  readonly lease?: Lease;
}

export interface AdmittedContribution {
  readonly admitted: true;
  readonly job: JobRecord;
  readonly run: JobRun;
  readonly pool: UnitPool;
  readonly lease: Lease;
  readonly codec: string;
}

export interface AdmittedEvaluation {
  readonly admitted: true;
  readonly job: JobRecord;
  readonly run: JobRun;
  readonly evaluation: Evaluation;
  readonly lease: Lease;
}

/** What both kinds of result quote of their lease. */
type Quoted = Pick<ContributionReceived, 'workerId' | 'leaseId' | 'jobId' | 'unit' | 'version' | 'epoch'>;

/**
 * The checks that need no look at the payload, from the outside in: the job, the leader's epoch, the round, the unit,
 * the lease, and only then what the worker made.
 */
export function admitContribution(
  state: CoordinatorState,
  event: ContributionReceived,
  nowMs: number,
): AdmittedContribution | Refused {
  const open = openJob(state, event);
  if (!open.admitted) return open;
  const { job, run } = open;
  const { isEndless, stalenessMax } = currentStrategy(job, run);
  const pool = isEndless ? latePool(run, event) : roundPool(run, event);
  const late = checkVersion(event, job.version, stalenessMax);
  if (pool === undefined) {
    if (late?.code === 'tooStale') return late;
    const message = `Round ${event.round} is not open; the job is at round ${job.version}.`;
    return refused('wrongRound', message, 'round');
  }
  const leased = leasedUnit(state, event, pool, 'train', event.round, nowMs);
  if (late !== undefined) return leased.admitted ? { ...late, lease: leased.lease } : late;
  if (!leased.admitted) return leased;
  const { lease } = leased;
  if (!isEndless && run.round?.phase !== 'collecting') {
    return { ...refused('wrongRound', `Round ${event.round} was closed without this unit.`, 'round'), lease };
  }
  const { ring } = run.round ?? {};
  const isRingOpen =
    ring !== undefined &&
    ring.ringId === event.ringId &&
    mayHold(ring, event.workerId) &&
    event.heldAt === undefined;
  if (isHeldByWorker(event) && !isRingOpen) {
    return { ...refused('wrongRound', `Ring ${event.ringId} takes no update now.`, 'ring_id'), lease };
  }
  const content = checkContent(job, lease, event);
  return content === undefined
    ? { admitted: true, job, run, pool, lease, codec: event.codec }
    : { ...content, lease };
}

export function admitEvaluation(
  state: CoordinatorState,
  event: EvaluationReported,
  nowMs: number,
): AdmittedEvaluation | Refused {
  const open = openJob(state, event);
  if (!open.admitted) return open;
  const { job, run } = open;
  const { evaluation } = run;
  if (evaluation === undefined || evaluation.version !== event.version) {
    return refused('wrongVersion', `Version ${event.version} is not being evaluated now.`, 'version');
  }
  const leased = leasedUnit(state, event, evaluation.pool, 'evaluate', event.version, nowMs);
  if (!leased.admitted) return leased;
  const { lease } = leased;
  const content = checkFigures(lease, event);
  return content === undefined ? { admitted: true, job, run, evaluation, lease } : { ...content, lease };
}

/** The open round's. While its command is on the way to the log nothing counts any more. */
function roundPool({ round }: JobRun, event: ContributionReceived): UnitPool | undefined {
  return round !== undefined && round.round === event.round && round.phase !== 'committing'
    ? round.pool
    : undefined;
}

/** Any round's whose units may still count. */
function latePool({ round, earlierPools }: JobRun, event: ContributionReceived): UnitPool | undefined {
  return round?.round === event.round ? round.pool : earlierPools.get(event.round);
}

function checkVersion(
  { version }: ContributionReceived,
  current: number,
  stalenessMax: number,
): Refused | undefined {
  if (version === current || (version < current && current - version <= stalenessMax)) return undefined;
  if (stalenessMax > 0 && version < current) {
    return refused('tooStale', staleMessage(version, current, stalenessMax), 'version');
  }
  return refused('wrongVersion', `Version ${version} is not ${current}, the current one.`, 'version');
}

function refused(code: ErrorCode, message: string, field?: string): Refused {
  return { admitted: false, code, message, ...(field === undefined ? {} : { field }) };
}

function openJob(
  state: CoordinatorState,
  { jobId, epoch }: Quoted,
): { readonly admitted: true; readonly job: JobRecord; readonly run: JobRun } | Refused {
  const job = state.replicated.jobs.get(jobId);
  if (job === undefined) return refused('unknownJob', `No job is named ${jobId}.`, 'job_id');
  if (epoch !== state.epoch) {
    return refused('staleEpoch', `The lease is of epoch ${epoch}; this is epoch ${state.epoch}.`, 'epoch');
  }
  const run = state.runs.get(jobId);
  if (job.state !== 'running' || run === undefined) {
    return refused('jobNotRunning', `Job ${jobId} is ${job.state}.`, 'job_id');
  }
  return { admitted: true, job, run };
}

function leasedUnit(
  state: CoordinatorState,
  quoted: Quoted,
  pool: UnitPool,
  kind: Lease['kind'],
  round: number,
  nowMs: number,
): { readonly admitted: true; readonly lease: Lease } | Refused {
  const { unit, leaseId, workerId, jobId, version } = quoted;
  if (!Number.isInteger(unit) || unit < 0 || unit >= pool.units) {
    return refused('badRequest', `There are ${pool.units} units; ${unit} is none of them.`, 'unit');
  }
  const status = pool.statusOf(unit);
  if (status === 'done' || status === 'reducing') {
    return refused('duplicate', `Unit ${unit} is counted already.`, 'unit');
  }
  const lease = state.leases.get(leaseId) ?? state.expiredLeases.get(leaseId);
  const isTheirs =
    lease?.workerId === workerId &&
    lease.jobId === jobId &&
    lease.kind === kind &&
    // The pool is that of the round which the worker has named.
    lease.round === round &&
    isVersionOf(lease, version) &&
    lease.unit === unit;
  if (lease === undefined || !isTheirs) {
    return refused(
      'unknownLease',
      `Lease ${leaseId} is not a live lease of this worker and unit.`,
      'lease_id',
    );
  }
  if (lease.deadlineMs <= nowMs || state.expiredLeases.has(leaseId)) {
    return refused('leaseExpired', `The deadline of unit ${unit} has passed.`, 'lease_id');
  }
  return { admitted: true, lease };
}

/** A unit without a deadline of its round may be computed from newer parameters than those it was leased with. */
function isVersionOf({ kind, version, mayUseNewer }: Lease, used: number): boolean {
  return used === version || (kind === 'train' && mayUseNewer && used > version);
}

function checkContent(job: JobRecord, lease: Lease, event: ContributionReceived): Refused | undefined {
  if (event.manifestHash !== job.manifestHash) {
    return refused('wrongManifest', 'The tensors of the update are not those of the job.', 'manifest_hash');
  }
  const allowed = job.document.codec.up.map(codecText);
  if (!allowed.includes(event.codec)) {
    return refused('wrongCodec', `The job takes ${allowed.join(' or ')}, not "${event.codec}".`, 'codec');
  }
  if (event.length !== job.parameters) {
    return refused('wrongLength', `An update has ${job.parameters} values, not ${event.length}.`, 'length');
  }
  if (isHeldByWorker(event)) return checkHeld(job, lease, event);
  const bytes = codecsOf(job)(event.codec).encodedBytes;
  const sent = event.heldAt?.bytes ?? event.payload.byteLength;
  if (sent !== bytes) {
    const message = `A ${event.codec} update has ${bytes} bytes, not ${sent}.`;
    return refused('wrongLength', message, 'payload');
  }
  return checkResult(lease, event);
}

/** The worker answers for what it holds; the sum is checked when it is handed in. */
function checkHeld(job: JobRecord, lease: Lease, event: ContributionReceived): Refused | undefined {
  const { norm = Number.NaN, payload } = event;
  const { updateNormMax } = job.document;
  if (payload.byteLength > 0) {
    return refused('wrongLength', 'A worker that holds its update sends no payload.', 'payload');
  }
  if (!(norm >= 0)) return refused('notFinite', 'The norm of the update is not finite.', 'norm');
  if (norm > updateNormMax) {
    return refused('normTooLarge', `The update's norm is ${norm}; the job allows ${updateNormMax}.`, 'norm');
  }
  return checkResult(lease, event);
}

function checkResult(lease: Lease, event: ContributionReceived): Refused | undefined {
  if (event.samples !== lease.sampleCount) {
    return refused(
      'badRequest',
      `The unit has ${lease.sampleCount} samples, not ${event.samples}.`,
      'samples',
    );
  }
  return isLoss(event.loss) ? undefined : refused('notFinite', 'The loss is not finite.', 'loss');
}

function isLoss(value: number): boolean {
  return Math.abs(value) < limits.lossMagnitudeMax;
}

function checkFigures(lease: Lease, event: EvaluationReported): Refused | undefined {
  if (event.samples !== lease.sampleCount) {
    return refused(
      'badRequest',
      `The unit has ${lease.sampleCount} samples, not ${event.samples}.`,
      'samples',
    );
  }
  if (!isLoss(event.lossSum)) return refused('notFinite', 'The loss is not finite.', 'loss_sum');
  const isFraction = event.correct >= 0 && event.correct <= event.samples;
  return isFraction
    ? undefined
    : refused('badRequest', `${event.correct} of ${event.samples} samples cannot be right.`, 'correct');
}
