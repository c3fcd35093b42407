import { assert } from '../../shared/base/assert.ts';
import type { ErrorCode } from '../../shared/base/errors.ts';
import type { WorkerId } from '../../shared/base/ids.ts';
import { limits } from '../../shared/base/limits.ts';
import type { CoordinatorState, Worker } from './coordinator-state.ts';
import type { CoordinatorId } from './effect-values.ts';
import type { Event, WorkerRegistered } from './events.ts';
import { firstLease, releaseLease } from './leases.ts';
import { maySum } from './refused-sums.ts';
import { loseHolder, offerRingChannels } from './ring/ring-losses.ts';
import { dequeue } from './scheduler.ts';
import { log, refuse, type Turn } from './turn.ts';

/** Refusals that no honest, working worker causes. Being late, twice, or behind is no fault. */
const faultCodes: ReadonlySet<ErrorCode> = new Set([
  'badRequest',
  'wrongManifest',
  'wrongCodec',
  'wrongLength',
  'notFinite',
  'normTooLarge',
  'checksumMismatch',
  'malformedFrame',
]);

/**
 * A worker that comes back under its id keeps its record, but not its leases: the connection that broke may have taken
 * with it a lease that the worker never saw, and such a unit would be missed until its deadline.
 */
export function registerWorker(turn: Turn, event: WorkerRegistered): void {
  const { state, nowMs, effects } = turn;
  const { epoch } = state;
  assert(epoch !== undefined, 'only a leader registers workers');
  if (event.via !== undefined && !maySum(state, event.via)) {
    const message = `The sums of coordinator ${event.via} were refused; register with another one.`;
    refuse(turn, event.call, 'unavailable', message);
    return;
  }
  const former = state.workers.get(event.workerId);
  if (former === undefined && state.workers.size >= limits.workersMax) {
    refuse(turn, event.call, 'unavailable', `${limits.workersMax} workers are connected; try later.`);
    return;
  }
  if (former !== undefined) suspendWorker(turn, former, 'connectionLost', 'The worker registered again.');
  if (former !== undefined && former.via !== event.via) {
    const message = 'The worker registered again with another coordinator.';
    effects.push({ kind: 'disconnect', ...placeOf(former), code: 'conflict', message });
  }
  const { name, home, role, determinismClass, device, via, ringChannels = [] } = event;
  state.workers.set(event.workerId, {
    workerId: event.workerId,
    connectedAtMs: nowMs,
    samplesPerSecond: 0,
    unitsAccepted: 0,
    unitsRefused: 0,
    bytesReceived: 0,
    codec: '',
    uplinkBytesPerSecond: 0,
    leasesFailed: 0,
    faults: 0,
    pace: 1,
    lastResultMs: nowMs,
    jobId: undefined,
    leases: new Map(),
    calls: new Set(),
    ...former,
    name,
    home,
    role,
    determinismClass,
    device,
    via,
    // The messages of rings do not pass through a follower.
    ringChannels: via === undefined ? ringChannels : [],
    lastSeenMs: nowMs,
  });
  effects.push({ kind: 'answerRegistered', call: event.call, workerId: event.workerId, epoch });
}

export function recordHeartbeat(turn: Turn, event: Extract<Event, { kind: 'heartbeat' }>): void {
  const worker = turn.state.workers.get(event.workerId);
  if (worker === undefined) {
    const message = 'This coordinator does not know the worker; register again.';
    turn.effects.push({ kind: 'disconnect', ...placeOf(event), code: 'notRegistered', message });
    return;
  }
  worker.lastSeenMs = turn.nowMs;
  worker.samplesPerSecond = Number.isFinite(event.samplesPerSecond) ? Math.max(0, event.samplesPerSecond) : 0;
  if (event.ringChannels !== undefined && worker.via === undefined)
    offerRingChannels(turn, worker, event.ringChannels);
}

/** A worker that another coordinator serves by now is not gone when a former one misses it. */
export function workerLeft(turn: Turn, { workerId, via }: Extract<Event, { kind: 'workerLeft' }>): void {
  if (turn.state.workers.get(workerId)?.via === via) removeWorker(turn, workerId);
}

/** Who a `disconnect` is for. */
export function placeOf({ workerId, via }: { workerId: WorkerId; via?: CoordinatorId | undefined }) {
  return via === undefined ? { workerId } : { workerId, via };
}

/** Its units are handed out again; its calls are refused. */
export function removeWorker(turn: Turn, workerId: WorkerId): void {
  const worker = turn.state.workers.get(workerId);
  if (worker === undefined) return;
  suspendWorker(turn, worker, 'connectionLost', 'The worker has left.');
  turn.state.workers.delete(workerId);
  if (worker.jobId !== undefined) turn.state.runs.get(worker.jobId)?.members.delete(workerId);
}

export function expireWorkers(turn: Turn): void {
  const { state, nowMs, effects } = turn;
  for (const worker of state.workers.values()) {
    const { workerId, name } = worker;
    const silentMs = nowMs - worker.lastSeenMs;
    if (silentMs < silenceMsMax(worker)) continue;
    removeWorker(turn, workerId);
    const message = `No heartbeat for ${Math.round(silentMs / 1000)} seconds.`;
    effects.push({ kind: 'disconnect', ...placeOf(worker), code: 'connectionLost', message });
    log(turn, 'info', 'worker timed out', { workerId, name, silentMs });
  }
  for (const [workerId, { untilMs }] of state.quarantine) {
    if (untilMs <= nowMs) state.quarantine.delete(workerId);
  }
}

/**
 * A unit on the CPU blocks the worker's thread, heartbeats included, so a worker that computes may be silent for as long
 * as its unit may take. Meanwhile the scheduler hedges its units.
 */
function silenceMsMax(worker: Worker): number {
  const current = firstLease(worker);
  if (current === undefined) return limits.workerTimeoutMs;
  const unitTimeoutMs = (current.deadlineMs - current.grantedMs) / (1 + current.ahead);
  return Math.max(limits.workerTimeoutMs, unitTimeoutMs);
}

/** Counts a refusal, and sets the worker aside when its faults are too many. */
export function countRefusal(turn: Turn, workerId: WorkerId, code: ErrorCode): void {
  const { state, nowMs } = turn;
  const worker = state.workers.get(workerId);
  if (worker === undefined) return;
  worker.unitsRefused += 1;
  if (!faultCodes.has(code)) return;
  worker.faults += 1;
  worker.leasesFailed += 1;
  if (worker.faults < limits.faultsBeforeQuarantine) return;
  worker.faults = 0;
  setAside(state, workerId, nowMs + limits.quarantineMs);
  suspendWorker(turn, worker, 'quarantined', quarantineMessage(limits.quarantineMs));
  log(turn, 'warn', 'worker quarantined', { workerId, name: worker.name, lastCode: code });
}

/** Fraction of its leases that gave a result; one that has shown nothing yet counts half. */
export function reliabilityOf({ unitsAccepted, leasesFailed }: Worker): number {
  return (unitsAccepted + 1) / (unitsAccepted + leasesFailed + 2);
}

/** Refuses the call of a worker that is unknown or set aside; otherwise a sign of life. */
export function admitWorker(turn: Turn, call: number, workerId: WorkerId): Worker | undefined {
  const { state, nowMs } = turn;
  const worker = state.workers.get(workerId);
  if (worker === undefined) {
    refuse(turn, call, 'notRegistered', 'This coordinator does not know the worker; register first.');
    return undefined;
  }
  worker.lastSeenMs = nowMs;
  const untilMs = quarantinedUntilMs(state, workerId);
  if (untilMs > nowMs) {
    refuse(turn, call, 'quarantined', quarantineMessage(untilMs - nowMs));
    return undefined;
  }
  return worker;
}

export function quarantinedUntilMs(state: CoordinatorState, workerId: WorkerId): number {
  return state.quarantine.get(workerId)?.untilMs ?? Number.NEGATIVE_INFINITY;
}

function quarantineMessage(leftMs: number): string {
  return `Too many of its messages were malformed; it may try again in ${Math.ceil(leftMs / 1000)} seconds.`;
}

function setAside(state: CoordinatorState, workerId: WorkerId, untilMs: number): void {
  state.quarantine.delete(workerId);
  state.quarantine.set(workerId, { untilMs });
  if (state.quarantine.size <= limits.workersMax) return;
  const oldest = state.quarantine.keys().next().value;
  if (oldest !== undefined) state.quarantine.delete(oldest);
}

function suspendWorker(turn: Turn, worker: Worker, code: ErrorCode, message: string): void {
  refuseCalls(turn, worker, code, message);
  loseHolder(turn, worker.workerId);
  for (const lease of [...worker.leases.values()]) {
    const run = turn.state.runs.get(lease.jobId);
    if (run !== undefined && lease.kind === 'train') run.measures.leasesLost += 1;
    releaseLease(turn.state, lease);
  }
}

function refuseCalls(turn: Turn, worker: Worker, code: ErrorCode, message: string): void {
  for (const call of worker.calls) {
    dequeue(turn.state, worker, call);
    refuse(turn, call.call, code, message);
  }
}
