import { assert } from '../../shared/base/assert.ts';
import { limits } from '../../shared/base/limits.ts';
import { aggregatorOf } from '../../shared/job/check-aggregator.ts';
import { membersMin } from '../../shared/sync/aggregators/aggregators.ts';
import { strategyOf } from '../../shared/sync/strategies.ts';
import type { RoundView } from '../../shared/sync/strategy.ts';
import type { Refusal } from './check-command.ts';
import type { RoundCommitted } from './commands.ts';
import type { CoordinatorState, JobRun, Parked, Reducing, Round, Worker } from './coordinator-state.ts';
import { edgeOfRound } from './edge-shares.ts';
import type { RoundStored } from './effect-values.ts';
import type { ContributionReceived, ContributionReduced, DeterminismClass } from './events.ts';
import type { JobRecord } from './job-record.ts';
import { computingMs, forgetLease, voidLeases } from './leases.ts';
import { park, unpark, voidEarlier } from './parked.ts';
import { voidRing } from './ring/ring-losses.ts';
import { gatherHeld } from './ring/ring-plans.ts';
import { createRing } from './ring/ring-state.ts';
import { plannedUnitSamples, staleMessage } from './round-strategy.ts';
import { refuse, type Turn } from './turn.ts';
import { createUnitPool } from './unit-pool.ts';
import { unitSeed } from './unit-seed.ts';
import { roundDeadlineMs } from './unit-times.ts';
import type { AdmittedContribution } from './validation.ts';
import { reliabilityOf } from './workers.ts';

/** A round's life: open, collecting, storing, stored, committing; then it is in the log and the next one opens. */
export function openRound(state: CoordinatorState, job: JobRecord, nowMs: number): Round {
  const { unitsPerRound } = job.document;
  const strategy = strategyOf(job.plan.strategy);
  state.roundsOpened += 1;
  return {
    round: job.version,
    serial: state.roundsOpened,
    sampleStart: job.samplePosition,
    openedMs: nowMs,
    strategy,
    unitSamples: plannedUnitSamples(job),
    pool: strategy.isEndless ? createUnitPool(0, limits.unitsOpenMax) : createUnitPool(unitsPerRound),
    phase: 'collecting',
    reducing: new Map(),
    counted: [],
    weight: 0,
    determinismClasses: new Set(),
    ring: strategy.kind === 'ringAllReduce' ? createRing(state.roundsOpened) : undefined,
    stored: undefined,
  };
}

/** The header was admitted: the worker is free for its next unit, and the lease is over. */
export function takeIn(turn: Turn, admitted: AdmittedContribution, event: ContributionReceived): void {
  const { state, nowMs } = turn;
  const { job, run, pool, lease, codec } = admitted;
  const elapsedMs = computingMs(state.workers.get(lease.workerId), lease, nowMs);
  pool.beginReducing(lease.unit, lease.leaseId);
  forgetLease(state, lease);
  const arrived = { event, lease, pool, codec, elapsedMs };
  if (run.round !== undefined && takesMore(run.round, job)) beginReducing(turn, job, run.round, arrived);
  else park(turn, run, arrived);
}

/** What waited for this round, in order of arrival; from a strategy with a barrier on, nothing of earlier rounds counts. */
export function takeParked(turn: Turn, job: JobRecord, run: JobRun, round: Round): void {
  const { stalenessMax, isEndless } = round.strategy;
  if (!isEndless) {
    voidEarlier(turn, run, {
      code: 'wrongRound',
      message: 'The job counts nothing of earlier rounds any more.',
    });
  }
  while (run.parked.length > 0 && takesMore(round, job)) {
    const arrived = unpark(turn, run);
    if (arrived === undefined) return;
    const { event, lease, pool } = arrived;
    if (round.round - event.version <= stalenessMax) {
      beginReducing(turn, job, round, arrived);
    } else {
      pool.failReducing(lease.unit);
      run.overtaken += 1;
      refuse(turn, event.call, 'tooStale', staleMessage(event.version, round.round, stalenessMax));
    }
  }
}

/** Whether one more contribution may go to the reducer. */
export function takesMore(round: Round, { document }: JobRecord): boolean {
  const begun = round.counted.length + round.reducing.size;
  return round.phase === 'collecting' && begun < round.strategy.contributionsMax(document.unitsPerRound);
}

/** The reducer looks at the values. */
export function beginReducing(turn: Turn, job: JobRecord, round: Round, arrived: Parked): void {
  const { state, effects } = turn;
  const { event, lease, codec } = arrived;
  const reducing = reducingOf(state, job, round, arrived);
  round.reducing.set(lease.leaseId, reducing);
  state.reducingCalls.set(event.call, reducing);
  effects.push({
    kind: 'reduce',
    jobId: job.jobId,
    round: round.round,
    unit: reducing.slot,
    leaseId: lease.leaseId,
    codec,
    seed: unitSeed(job.document, lease),
    weight: reducing.weight,
    normMax: job.document.updateNormMax,
    payload: event.payload,
    ...(event.heldAt === undefined
      ? {}
      : { edge: { coordinator: event.heldAt.coordinator, call: event.call, serial: round.serial } }),
  });
}

export function reducingOf(state: CoordinatorState, job: JobRecord, round: Round, arrived: Parked): Reducing {
  const { event, lease, pool, elapsedMs } = arrived;
  const worker = state.workers.get(lease.workerId);
  const staleness = round.round - event.version;
  return {
    jobId: job.jobId,
    pool,
    unit: lease.unit,
    slot: (round.round - lease.round) * limits.unitsOpenMax + lease.unit,
    weight: weightOf(job, round, worker, staleness),
    staleness,
    samples: lease.sampleCount,
    leaseId: lease.leaseId,
    workerId: lease.workerId,
    loss: event.loss,
    elapsedMs,
    determinismClass: event.determinismClass,
    heldAt: event.heldAt?.coordinator,
    call: event.call,
  };
}

/** A plain mean does not ask who is late or slow. */
function weightOf(
  { document }: JobRecord,
  round: Round,
  worker: Worker | undefined,
  staleness: number,
): number {
  if (aggregatorOf(document).kind === 'mean') return 1;
  const reliability = worker === undefined ? 0 : reliabilityOf(worker);
  return round.strategy.contributionWeight({ staleness, pace: worker?.pace ?? 1, reliability });
}

/** What waits at the reducer under this lease. Undefined for answers about a round that was given up meanwhile. */
export function takeReduced(turn: Turn, run: JobRun, event: ContributionReduced): Reducing | undefined {
  const { round } = run;
  const reducing = round?.reducing.get(event.leaseId);
  if (round?.round !== event.round || reducing === undefined) return undefined;
  round.reducing.delete(event.leaseId);
  if (reducing.call !== undefined) turn.state.reducingCalls.delete(reducing.call);
  return reducing;
}

/** Counts the unit, once. */
export function countUnit(turn: Turn, run: JobRun, reducing: Reducing): void {
  const { state, effects } = turn;
  const { round } = run;
  assert(round?.phase === 'collecting', 'units are counted while the round collects');
  for (const leaseId of reducing.pool.finish(reducing.unit)) {
    const lease = state.leases.get(leaseId);
    if (lease !== undefined) forgetLease(state, lease);
  }
  round.counted.push(reducing);
  round.weight += reducing.weight;
  nameDeterminismClass(round, reducing.determinismClass);
  if (reducing.call !== undefined) effects.push({ kind: 'answerAccepted', call: reducing.call });
}

/** Bounded, because workers choose the names, and a command of the log has a maximum. */
function nameDeterminismClass({ determinismClasses }: Round, { engine, build }: DeterminismClass): void {
  if (determinismClasses.size < limits.determinismClassesMax) determinismClasses.add(`${engine}/${build}`);
}

/** Takes the aggregate once the strategy closes the round. */
export function storeWhenComplete(turn: Turn, job: JobRecord, run: JobRun, round: Round): void {
  if (round.phase !== 'collecting' || !round.strategy.mayClose(roundView(turn, job, run, round))) return;
  // A quorum may be fewer than the aggregator's promise needs: the round waits for more.
  if (round.counted.length < membersMin(aggregatorOf(job.document))) return;
  if (gatherHeld(turn, job, run, round)) return;
  round.phase = 'storing';
  const edge = edgeOfRound(round);
  turn.effects.push({
    kind: 'storeRound',
    jobId: job.jobId,
    round: round.round,
    weight: round.weight,
    ...(edge === undefined ? {} : { edge }),
  });
}

function roundView({ nowMs }: Turn, { document }: JobRecord, run: JobRun, round: Round): RoundView {
  const { unitsPerRound } = document;
  return {
    units: unitsPerRound,
    unitsAccepted: round.counted.length,
    unitsReducing: round.reducing.size,
    openMs: nowMs - round.openedMs,
    deadlineMs: () => roundDeadlineMs(run.unitTimes.estimate(), unitsPerRound, run.members.size),
  };
}

export function keepStored(round: Round, { aggregateHash, parametersHash }: RoundStored): void {
  round.phase = 'stored';
  round.stored = { aggregateHash, parametersHash };
}

export function roundCommitted(
  job: JobRecord,
  round: Round,
  nowMs: number,
  elapsedMs: number,
): RoundCommitted {
  assert(round.stored !== undefined, 'a round is stored before it is committed');
  // Summed in the order of the slots, so the figures do not depend on the order of arrival.
  const counted = round.counted.toSorted((a, b) => a.slot - b.slot);
  const staleUnits = counted.filter(({ staleness }) => staleness > 0).length;
  const samples = counted.reduce((sum, unit) => sum + unit.samples, 0);
  const samplesTaken = round.pool.units * round.unitSamples;
  return {
    kind: 'roundCommitted',
    jobId: job.jobId,
    round: round.round,
    ...round.stored,
    units: counted.length,
    ...(staleUnits === 0 ? {} : { staleUnits }),
    samples,
    ...(samplesTaken === samples ? {} : { samplesTaken }),
    trainingLoss: counted.reduce((sum, { loss }) => sum + loss, 0) / counted.length,
    elapsedMs,
    determinismClasses: [...round.determinismClasses].sort(),
    atMs: nowMs,
  };
}

/** Forgets the round's leases and refuses what waits at the reducer. Tensors of the round are the caller's concern. */
export function voidRound(turn: Turn, run: JobRun, { code, message }: Refusal): void {
  const { round } = run;
  if (round === undefined) return;
  voidLeases(turn.state, round.pool);
  voidRing(turn, run.jobId, round, { code, message });
  for (const { call } of round.reducing.values()) {
    if (call === undefined) continue;
    turn.state.reducingCalls.delete(call);
    refuse(turn, call, code, message);
  }
  run.round = undefined;
}
