import { assert } from '../../shared/base/assert.ts';
import { asLeaseId, type LeaseId } from '../../shared/base/ids.ts';
import { limits } from '../../shared/base/limits.ts';
import type { CoordinatorState, JobRun, Lease, Worker } from './coordinator-state.ts';
import type { UnitPool } from './unit-pool.ts';

/** Where the unit of a lease is counted, while its round or evaluation is open, or its round may be late. */
export function poolOf(run: JobRun, lease: Lease): UnitPool | undefined {
  if (lease.kind === 'evaluate') {
    return run.evaluation?.version === lease.version ? run.evaluation.pool : undefined;
  }
  return run.round?.round === lease.round ? run.round.pool : run.earlierPools.get(lease.round);
}

export function newLeaseId(state: CoordinatorState): LeaseId {
  const word = (): string => state.random.uint32().toString(16).padStart(8, '0');
  return asLeaseId(`${word()}${word()}`);
}

export function addLease(state: CoordinatorState, worker: Worker, run: JobRun, lease: Lease): void {
  state.leases.set(lease.leaseId, lease);
  worker.leases.set(lease.leaseId, lease);
  if (worker.jobId !== undefined) state.runs.get(worker.jobId)?.members.delete(worker.workerId);
  run.members.add(worker.workerId);
  worker.jobId = lease.jobId;
  run.holders.set(worker.workerId, (run.holders.get(worker.workerId) ?? 0) + 1);
  for (const call of worker.calls) state.waiting.setIdle(call, false);
}

/**
 * Forgets the lease on the side of its worker. The caller settles the unit, which may be counted,
 * freed, or gone with its round.
 */
export function forgetLease(state: CoordinatorState, lease: Lease): void {
  state.leases.delete(lease.leaseId);
  const run = state.runs.get(lease.jobId);
  assert(run !== undefined, `lease ${lease.leaseId} belongs to a running job`);
  const held = (run.holders.get(lease.workerId) ?? 0) - 1;
  if (held > 0) run.holders.set(lease.workerId, held);
  else run.holders.delete(lease.workerId);
  const worker = state.workers.get(lease.workerId);
  if (worker === undefined) return;
  worker.leases.delete(lease.leaseId);
  if (worker.leases.size > 0) return;
  for (const call of worker.calls) state.waiting.setIdle(call, true);
}

/** The lease ends without a result, and its unit is handed out again unless another worker computes it. */
export function releaseLease(state: CoordinatorState, lease: Lease): void {
  const run = state.runs.get(lease.jobId);
  if (run !== undefined) poolOf(run, lease)?.release(lease.unit, lease.leaseId);
  forgetLease(state, lease);
}

/** The deadline passed. The worker may still be computing: it is given more time for its next units. */
export function expireLease(state: CoordinatorState, lease: Lease): void {
  releaseLease(state, lease);
  const worker = state.workers.get(lease.workerId);
  const run = state.runs.get(lease.jobId);
  if (run !== undefined && lease.kind === 'train') run.measures.leasesLost += 1;
  if (worker !== undefined) {
    worker.pace = Math.min(worker.pace * 2, paceMax);
    worker.leasesFailed += 1;
  }
  state.expiredLeases.set(lease.leaseId, lease);
  if (state.expiredLeases.size > limits.expiredLeasesMax) {
    const oldest = state.expiredLeases.keys().next().value;
    if (oldest !== undefined) state.expiredLeases.delete(oldest);
  }
}

/** Voids every lease of a pool that closes. */
export function voidLeases(state: CoordinatorState, pool: UnitPool): void {
  for (let unit = 0; unit < pool.units; unit++) {
    for (const leaseId of pool.leasesOf(unit)) {
      const lease = state.leases.get(leaseId);
      if (lease !== undefined) forgetLease(state, lease);
    }
  }
}

/** Time for which the worker has been computing the unit of this lease, as far as the coordinator can see. */
export function computingMs(worker: Worker | undefined, lease: Lease, nowMs: number): number {
  return nowMs - Math.max(lease.grantedMs, worker?.lastResultMs ?? 0);
}

/** What the worker computes now; the others of its leases are queued. */
export function firstLease(worker: Worker): Lease | undefined {
  return worker.leases.values().next().value;
}

const paceMax = limits.leaseTimeoutMsMax / limits.leaseTimeoutMsMin;
