import { assert } from '../../../shared/base/assert.ts';
import type { WorkerId } from '../../../shared/base/ids.ts';
import { limits } from '../../../shared/base/limits.ts';
import type { CoordinatorState, JobRun, Round, Worker } from '../coordinator-state.ts';
import type { ContributionReceived } from '../events.ts';
import type { JobRecord } from '../job-record.ts';
import type { HeldUnit, Ring } from './ring-state.ts';

/** What a lease offers the worker: the ring's number, or 0 when its update is wanted itself. */
export function ringOffer(state: CoordinatorState, job: JobRecord, run: JobRun, worker: Worker): number {
  const ring = run.round?.ring;
  if (ring === undefined || !isAble(run, worker) || !mayHold(ring, worker.workerId)) return 0;
  return hasTwoAble(state, job, run) ? ring.ringId : 0;
}

/** Whether it can and may be a member, and was not in the way of the last rings. */
export function isAble({ ringMemory }: JobRun, { workerId, ringChannels }: Worker): boolean {
  return ringChannels.length > 0 && (ringMemory.trouble.get(workerId) ?? 0) < limits.ringTroubleMax;
}

function hasTwoAble(state: CoordinatorState, { document }: JobRecord, run: JobRun): boolean {
  let able = 0;
  for (const worker of state.workers.values()) {
    if (worker.role === 'anonymous' && !document.allowAnonymous) continue;
    if (isAble(run, worker)) able += 1;
    if (able === 2) return true;
  }
  return false;
}

/** What it holds is being summed or handed in: a unit more would be taken for a part of that sum. */
export function mayHold({ exchange, uploads }: Ring, workerId: WorkerId): boolean {
  if (exchange?.members.includes(workerId)) return false;
  return ![...uploads.values()].some(({ holders }) => holders.includes(workerId));
}

export function isHeldByWorker({ ringId = 0 }: ContributionReceived): boolean {
  return ringId !== 0;
}

export function holdUnit(ring: Ring, workerId: WorkerId, { unit, slot, weight }: HeldUnit): void {
  const units = ring.held.get(workerId) ?? new Map<number, HeldUnit>();
  assert(!units.has(unit), `unit ${unit} is held once`);
  ring.held.set(workerId, units.set(unit, { unit, slot, weight }));
}

/** What the worker held is gone: its units are not counted any more, and are handed out again. */
export function reopenUnits(round: Round, ring: Ring, workerId: WorkerId): void {
  const units = ring.held.get(workerId);
  ring.held.delete(workerId);
  for (const { unit, slot, weight } of units?.values() ?? []) {
    round.pool.lose(unit);
    round.weight -= weight;
    round.counted = round.counted.filter((counted) => counted.slot !== slot);
  }
}

export function heldWeight(ring: Ring, holders: readonly WorkerId[]): number {
  let weight = 0;
  for (const holder of holders)
    for (const held of ring.held.get(holder)?.values() ?? []) weight += held.weight;
  return weight;
}

export function heldUnits(ring: Ring, holder: WorkerId): readonly number[] {
  return [...(ring.held.get(holder)?.keys() ?? [])].sort((a, b) => a - b);
}
