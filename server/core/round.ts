import { assert } from '../../shared/base/assert.ts';
import { limits } from '../../shared/base/limits.ts';
import { strategies } from '../../shared/sync/strategies.ts';
import type { Refusal } from './check-command.ts';
import type { RoundCommitted } from './commands.ts';
import type { JobRun, Reducing, Round } from './coordinator-state.ts';
import type { ContributionReceived, ContributionReduced, DeterminismClass, RoundStored } from './events.ts';
import type { JobRecord } from './job-record.ts';
import { computingMs, forgetLease, voidLeases } from './leases.ts';
import { refuse, type Turn } from './turn.ts';
import { createUnitPool } from './unit-pool.ts';
import type { AdmittedContribution } from './validation.ts';

/** A round's life: open, collecting, storing, stored, committing; then it is in the log and the next one opens. */
export function openRound(job: JobRecord): Round {
  const { unitsPerRound } = job.document;
  return {
    round: job.version,
    sampleStart: job.samplePosition,
    pool: createUnitPool(unitsPerRound),
    phase: 'collecting',
    reducing: new Map(),
    losses: new Float64Array(unitsPerRound),
    weight: 0,
    determinismClasses: new Set(),
    stored: undefined,
  };
}

/** The header was admitted: the reducer looks at the values, and the worker is free for its next unit. */
export function beginReducing(turn: Turn, admitted: AdmittedContribution, event: ContributionReceived): void {
  const { state, nowMs, effects } = turn;
  const { job, round, lease, codec } = admitted;
  const reducing: Reducing = {
    jobId: job.jobId,
    unit: lease.unit,
    leaseId: lease.leaseId,
    workerId: lease.workerId,
    loss: event.loss,
    elapsedMs: computingMs(state.workers.get(lease.workerId), lease, nowMs),
    determinismClass: event.determinismClass,
    call: event.call,
  };
  round.pool.beginReducing(lease.unit, lease.leaseId);
  round.reducing.set(lease.unit, reducing);
  state.reducingCalls.set(event.call, reducing);
  forgetLease(state, lease);
  effects.push({
    kind: 'reduce',
    jobId: job.jobId,
    round: round.round,
    unit: lease.unit,
    leaseId: lease.leaseId,
    codec,
    weight: contributionWeight(job, lease.sampleCount),
    normMax: job.document.updateNormMax,
    payload: event.payload,
  });
}

/** What waits at the reducer under this lease. Undefined for answers about a round that was given up meanwhile. */
export function takeReduced(turn: Turn, run: JobRun, event: ContributionReduced): Reducing | undefined {
  const { round } = run;
  const reducing = round?.reducing.get(event.unit);
  if (round?.round !== event.round || reducing?.leaseId !== event.leaseId) return undefined;
  round.reducing.delete(event.unit);
  if (reducing.call !== undefined) turn.state.reducingCalls.delete(reducing.call);
  return reducing;
}

/** Counts the unit, once. */
export function countUnit(turn: Turn, job: JobRecord, run: JobRun, reducing: Reducing): void {
  const { state, effects } = turn;
  const { round } = run;
  assert(round?.phase === 'collecting', 'units are counted while the round collects');
  for (const leaseId of round.pool.finish(reducing.unit)) {
    const lease = state.leases.get(leaseId);
    if (lease !== undefined) forgetLease(state, lease);
  }
  round.losses[reducing.unit] = reducing.loss;
  round.weight += contributionWeight(job, job.document.batchSize);
  nameDeterminismClass(round, reducing.determinismClass);
  if (reducing.call !== undefined) effects.push({ kind: 'answerAccepted', call: reducing.call });
}

/** Bounded, because workers choose the names, and a command of the log has a maximum. */
function nameDeterminismClass({ determinismClasses }: Round, { engine, build }: DeterminismClass): void {
  if (determinismClasses.size < limits.determinismClassesMax) determinismClasses.add(`${engine}/${build}`);
}

/** Takes the aggregate once the strategy closes the round. */
export function storeWhenComplete(turn: Turn, job: JobRecord, round: Round): void {
  const view = { units: round.pool.units, unitsAccepted: round.pool.doneCount };
  if (round.phase !== 'collecting' || !strategies[job.document.strategy.kind].mayClose(view)) return;
  round.phase = 'storing';
  turn.effects.push({ kind: 'storeRound', jobId: job.jobId, round: round.round, weight: round.weight });
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
  const { unitsPerRound, batchSize } = job.document;
  return {
    kind: 'roundCommitted',
    jobId: job.jobId,
    round: round.round,
    ...round.stored,
    units: unitsPerRound,
    samples: unitsPerRound * batchSize,
    trainingLoss: round.losses.reduce((sum, loss) => sum + loss, 0) / unitsPerRound,
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
  for (const { call } of round.reducing.values()) {
    if (call === undefined) continue;
    turn.state.reducingCalls.delete(call);
    refuse(turn, call, code, message);
  }
  run.round = undefined;
}

function contributionWeight(job: JobRecord, samples: number): number {
  return strategies[job.document.strategy.kind].contributionWeight(samples);
}
