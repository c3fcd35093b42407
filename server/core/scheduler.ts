import { assert } from '../../shared/base/assert.ts';
import { limits } from '../../shared/base/limits.ts';
import { stepsPerUnit } from '../../shared/job/unit-samples.ts';
import { strategyOf } from '../../shared/sync/strategies.ts';
import type { CoordinatorState, JobRun, Lease, Worker } from './coordinator-state.ts';
import type { UnitKind } from './effect-values.ts';
import type { JobRecord } from './job-record.ts';
import { addLease, computingMs, firstLease, newLeaseId } from './leases.ts';
import { ringOffer } from './ring/held-units.ts';
import { currentStrategy, plannedUnitSamples } from './round-strategy.ts';
import type { Turn } from './turn.ts';
import type { UnitPool } from './unit-pool.ts';
import { unitSeed } from './unit-seed.ts';
import { expectedUnitMs, leaseTimeoutMs } from './unit-times.ts';
import type { LeaseCall } from './waiting-calls.ts';

interface Offer {
  readonly run: JobRun;
  readonly job: JobRecord;
  readonly pool: UnitPool;
  readonly kind: UnitKind;
  readonly unit: number;
}

/** Candidates looked at for one hedge; the pool lists the latest first. */
const hedgeCandidatesMax = 16;

/** A version is evaluated as a synchronous round is computed, whatever the rounds are run by. */
const evaluationStrategy = strategyOf({ kind: 'parameterServerSynchronous' });

/** Gives free units to waiting workers: to the job that was served least, and to workers with nothing to do first. */
export function handOutUnits(turn: Turn): void {
  const { state } = turn;
  while (state.waiting.size > 0) {
    const match = nextMatch(turn);
    if (match === undefined) return;
    grant(turn, match.offer, match.call);
  }
}

/** Gives copies of late units to workers with nothing to do, where no unit is free. */
export function hedgeLateUnits(turn: Turn): void {
  const { state, nowMs } = turn;
  if (state.waiting.size === 0) return;
  for (const run of fairOrder(state)) {
    if (offerOf(state, run) !== undefined) continue;
    const { jobId, document } = jobOf(state, run);
    for (;;) {
      const call = state.waiting.next(jobId, document.allowAnonymous, true);
      const offer = call === undefined ? undefined : hedgeOffer(state, run, call, nowMs);
      if (call === undefined || offer === undefined) break;
      grant(turn, offer, call);
    }
  }
}

function nextMatch({ state, nowMs }: Turn): { offer: Offer; call: LeaseCall } | undefined {
  for (const run of fairOrder(state)) {
    const offer = offerOf(state, run);
    if (offer === undefined) continue;
    const { jobId, document } = offer.job;
    const idle = state.waiting.next(jobId, document.allowAnonymous, true);
    const call =
      idle ?? (mayRunAhead(run) ? state.waiting.next(jobId, document.allowAnonymous, false) : undefined);
    if (call === undefined) continue;
    // Nobody runs dry where units have no end, so a late evaluation is looked at before they are handed out.
    const late = idle === undefined || !isEndless(run) ? undefined : hedgeOffer(state, run, idle, nowMs);
    return { offer: late ?? offer, call };
  }
  return undefined;
}

/**
 * The last units of a round are kept for workers that run dry: a unit in the queue of a busy worker would be the last
 * to arrive.
 */
function mayRunAhead(run: JobRun): boolean {
  if (isEndless(run)) return true;
  const free = (run.evaluation?.pool.freeCount ?? 0) + (run.round?.pool.freeCount ?? 0);
  return free >= run.holders.size;
}

function isEndless({ round }: Pick<JobRun, 'round'>): boolean {
  return round?.strategy.isEndless === true;
}

/** The next free unit of a job: evaluations come first, because the round's commit waits for them. */
function offerOf(state: CoordinatorState, run: JobRun): Offer | undefined {
  for (const [kind, pool] of openPools(run)) {
    const unit = pool.peekFree();
    if (unit !== undefined) return { run, job: jobOf(state, run), pool, kind, unit };
  }
  return undefined;
}

function openPools({ evaluation, round }: JobRun): readonly (readonly [UnitKind, UnitPool])[] {
  const pools: [UnitKind, UnitPool][] = [];
  if (evaluation !== undefined) pools.push(['evaluate', evaluation.pool]);
  if (round !== undefined && (isEndless({ round }) || round.phase === 'collecting')) {
    pools.push(['train', round.pool]);
  }
  return pools;
}

/** Start-time fair queueing (Goyal, Vin and Cheng 1996): the job that was handed out the fewest samples comes first. */
function fairOrder(state: CoordinatorState): readonly JobRun[] {
  const runs = [...state.runs.values()];
  return runs.length < 2 ? runs : runs.sort((a, b) => startTag(state, a) - startTag(state, b));
}

/** A job that had nothing to hand out may catch up by one round, not by all that it missed. */
function startTag(state: CoordinatorState, run: JobRun): number {
  const job = jobOf(state, run);
  const samplesPerRound = job.document.unitsPerRound * plannedUnitSamples(job);
  return Math.max(run.virtualSamples, state.virtualSamples - samplesPerRound);
}

function hedgeOffer(
  state: CoordinatorState,
  run: JobRun,
  { workerId }: LeaseCall,
  nowMs: number,
): Offer | undefined {
  const job = jobOf(state, run);
  for (const [kind, pool] of openPools(run)) {
    let looked = 0;
    for (const unit of pool.hedgeable()) {
      looked += 1;
      if (looked > hedgeCandidatesMax) break;
      const [leaseId] = pool.leasesOf(unit);
      const lease = leaseId === undefined ? undefined : state.leases.get(leaseId);
      if (lease === undefined || lease.workerId === workerId) continue;
      if (mayHedge(state, run, job, lease, nowMs)) return { run, job, pool, kind, unit };
    }
  }
  return undefined;
}

function mayHedge(
  state: CoordinatorState,
  run: JobRun,
  job: JobRecord,
  lease: Lease,
  nowMs: number,
): boolean {
  const holder = state.workers.get(lease.workerId);
  const current = holder === undefined ? lease : (firstLease(holder) ?? lease);
  const estimate = run.unitTimes.estimate();
  const work = workOf(job, lease.sampleCount);
  const typicalMs = (estimate?.medianMs ?? 0) * work;
  const strategy = lease.kind === 'train' ? currentStrategy(job, run) : evaluationStrategy;
  return strategy.mayHedge({
    isQueued: current.leaseId !== lease.leaseId,
    isHolderSilent: nowMs - (holder?.lastSeenMs ?? 0) >= limits.workerTimeoutMs,
    elapsedMs: nowMs - lease.grantedMs - lease.ahead * typicalMs,
    holderElapsedMs: computingMs(holder, current, nowMs),
    ...(estimate === undefined ? {} : { typicalMs, expectedMs: expectedUnitMs(estimate) * work }),
  });
}

/** Size of a unit against a training unit; evaluation units may hold more samples. */
function workOf(job: JobRecord, sampleCount: number): number {
  return Math.max(1, sampleCount / plannedUnitSamples(job));
}

function grant(turn: Turn, { run, job, pool, kind, unit }: Offer, call: LeaseCall): void {
  const { state, nowMs, effects } = turn;
  const worker = state.workers.get(call.workerId);
  assert(
    worker !== undefined && state.epoch !== undefined,
    'calls wait only for a leader and for known workers',
  );
  const span = unitSpan(run, job, kind, unit);
  const work = workOf(job, span.sampleCount);
  const estimate = run.unitTimes.estimate();
  // The first guess is for a gradient.
  const gradients = estimate === undefined ? stepsPerUnit(job.document) : 1;
  const wantedMs = leaseTimeoutMs(estimate, worker.pace) * work * gradients;
  const timeoutMs = Math.min(wantedMs, limits.leaseTimeoutMsMax);
  const lease: Lease = {
    leaseId: newLeaseId(state),
    workerId: worker.workerId,
    jobId: job.jobId,
    kind,
    round: job.version,
    unit,
    version: job.version,
    mayUseNewer: kind === 'train' && isEndless(run),
    sampleCount: span.sampleCount,
    grantedMs: nowMs,
    ahead: worker.leases.size,
    deadlineMs: nowMs + timeoutMs * (1 + worker.leases.size),
  };
  const ringId = kind === 'train' ? ringOffer(state, job, run, worker) : 0;
  dequeue(state, worker, call);
  pool.lease(unit, lease.leaseId);
  addLease(state, worker, run, lease);
  state.virtualSamples = startTag(state, run);
  run.virtualSamples = state.virtualSamples + span.sampleCount;
  effects.push({
    kind: 'answerLease',
    call: call.call,
    lease: {
      leaseId: lease.leaseId,
      jobId: job.jobId,
      kind,
      round: lease.round,
      unit,
      version: lease.version,
      parametersHash: job.parametersHash,
      mayUseNewer: lease.mayUseNewer,
      ...(job.plan.codec === undefined || kind !== 'train' ? {} : { codec: job.plan.codec }),
      ...(ringId === 0 ? {} : { ringId }),
      epoch: state.epoch,
      deadlineMs: lease.deadlineMs - nowMs,
      ...span,
      seed: unitSeed(job.document, lease),
    },
    reason: '',
  });
}

function unitSpan(
  run: JobRun,
  { document }: JobRecord,
  kind: UnitKind,
  unit: number,
): { readonly sampleStart: number; readonly sampleCount: number } {
  if (kind === 'train') {
    assert(run.round !== undefined, 'training units are of an open round');
    const { sampleStart, unitSamples } = run.round;
    return { sampleStart: sampleStart + unit * unitSamples, sampleCount: unitSamples };
  }
  const sampleStart = unit * document.evaluation.batchSize;
  const left = (run.evaluation?.samples ?? 0) - sampleStart;
  return { sampleStart, sampleCount: Math.min(document.evaluation.batchSize, left) };
}

/** Takes a call out of the queue; the caller answers it. */
export function dequeue(state: CoordinatorState, worker: Worker | undefined, call: LeaseCall): void {
  state.waiting.remove(call);
  worker?.calls.delete(call);
}

function jobOf(state: CoordinatorState, run: JobRun): JobRecord {
  const job = state.replicated.jobs.get(run.jobId);
  assert(job !== undefined, `running job ${run.jobId} is known`);
  return job;
}
