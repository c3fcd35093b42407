import type { ErrorCode } from '../../../shared/base/errors.ts';
import type { JobId, WorkerId } from '../../../shared/base/ids.ts';
import type { RingIdentity } from '../../../shared/sync/ring/ring-message.ts';
import type { JobRun, Round } from '../coordinator-state.ts';
import type { RingReported, RingSumMerged, RingUploaded } from '../events.ts';
import type { JobRecord } from '../job-record.ts';
import { advance } from '../job-run.ts';
import { refuse, type Turn } from '../turn.ts';
import { admitWorker, countRefusal } from '../workers.ts';
import { reopenUnits } from './held-units.ts';
import { askForRingSum, failExchange, failUpload } from './ring-plans.ts';
import { linkName, neighbour, type Ring, type RingExchange } from './ring-state.ts';
import { foundWays, keepApart } from './ring-way.ts';

interface OpenRing {
  readonly job: JobRecord;
  readonly run: JobRun;
  readonly round: Round;
  readonly ring: Ring;
}

/** The ring of a job's open round, while this coordinator leads it. */
function openRing({ state }: Turn, jobId: JobId): OpenRing | undefined {
  const job = state.replicated.jobs.get(jobId);
  const run = state.runs.get(jobId);
  const round = run?.round;
  const ring = round?.ring;
  if (job === undefined || run === undefined || round === undefined || ring === undefined) return undefined;
  return { job, run, round, ring };
}

function isSame(left: RingIdentity, right: RingIdentity): boolean {
  return left.epoch === right.epoch && left.ringId === right.ringId && left.ringEpoch === right.ringEpoch;
}

/** A member tells the hash of its sum, or why it has none. */
export function receiveRingReport(turn: Turn, event: RingReported): void {
  const { call, workerId, jobId, identity, failure } = event;
  if (admitWorker(turn, call, workerId) === undefined) return;
  const open = openRing(turn, jobId);
  const exchange = open?.ring.exchange;
  if (open === undefined || exchange === undefined || !isDue(exchange, event)) {
    refuseStale(turn, call, identity);
    return;
  }
  turn.effects.push({ kind: 'answerAccepted', call });
  recordSpeed(open.run, exchange, event);
  if (failure !== undefined) takeFailure(turn, open, exchange, workerId, failure);
  else takeHash(turn, open, exchange, workerId, event.hash);
  advance(turn, jobId);
}

function isDue(exchange: RingExchange, { workerId, identity }: RingReported): boolean {
  const { members, hashes } = exchange;
  return isSame(exchange.identity, identity) && members.includes(workerId) && !hashes.has(workerId);
}

function refuseStale(turn: Turn, call: number, { ringEpoch }: RingIdentity): void {
  refuse(turn, call, 'staleRing', `Nothing is expected of this worker for ring epoch ${ringEpoch}.`, 'ring');
}

function recordSpeed({ ringMemory }: JobRun, exchange: RingExchange, event: RingReported): void {
  const { workerId, bytesPerSecond } = event;
  if (bytesPerSecond > 0 && Number.isFinite(bytesPerSecond)) {
    ringMemory.links.set(linkName(workerId, neighbour(exchange.members, workerId, 1)), bytesPerSecond);
  }
}

function takeHash(
  turn: Turn,
  open: OpenRing,
  exchange: RingExchange,
  workerId: WorkerId,
  hash: string,
): void {
  const { job, run, round, ring } = open;
  const { hashes, members } = exchange;
  hashes.set(workerId, hash);
  if (hashes.size < members.length) return;
  const agreed = majority([...hashes.values()]);
  if (agreed?.count === members.length) {
    run.ringMemory.agreed[exchange.channel] += 1;
    if (exchange.channel === 'webrtc') foundWays(run.ringMemory, members);
    askForRingSum(turn, job, ring, exchange, agreed.hash);
    return;
  }
  failExchange(turn, job, ring, exchange, 'the members hold different sums');
  for (const member of members) {
    addTrouble(run, member);
    if (agreed === undefined || hashes.get(member) === agreed.hash) continue;
    run.refused += 1;
    countRefusal(turn, member, 'hashMismatch');
    reopenUnits(round, ring, member);
  }
}

/** What more than half of the members have said. */
function majority(hashes: readonly string[]): { readonly hash: string; readonly count: number } | undefined {
  for (const hash of new Set(hashes)) {
    const count = hashes.filter((other) => other === hash).length;
    if (2 * count > hashes.length) return { hash, count };
  }
  return undefined;
}

/**
 * Either of the two may lie, so neither loses its units: the next ring keeps them apart, and whoever is in the way again
 * and again is asked for its updates themselves.
 */
function takeFailure(
  turn: Turn,
  open: OpenRing,
  exchange: RingExchange,
  workerId: WorkerId,
  failure: ErrorCode,
): void {
  const { job, run, round, ring } = open;
  if (failure === 'unavailable') {
    exchange.stalled.add(workerId);
    return;
  }
  if (failure === 'unreachable' && exchange.channel === 'webrtc') {
    failExchange(turn, job, ring, exchange, 'a member found no way to its successor');
    keepApart(run.ringMemory, round.round, workerId, neighbour(exchange.members, workerId, 1));
    return;
  }
  failExchange(turn, job, ring, exchange, `a member reported ${failure}`);
  addTrouble(run, workerId);
  if (failure === 'conflict') {
    reopenUnits(round, ring, workerId);
    return;
  }
  const accused = neighbour(exchange.members, workerId, -1);
  run.refused += 1;
  addTrouble(run, accused);
  run.ringMemory.links.set(linkName(accused, workerId), 1);
}

function addTrouble({ ringMemory }: JobRun, workerId: WorkerId): void {
  ringMemory.trouble.set(workerId, (ringMemory.trouble.get(workerId) ?? 0) + 1);
}

/** A sum that was asked for goes on to the trainer with its call unanswered. */
export function receiveRingSum(turn: Turn, event: RingUploaded): void {
  const { call, workerId, jobId, identity, hash, payload } = event;
  const worker = admitWorker(turn, call, workerId);
  if (worker === undefined) return;
  worker.bytesReceived += payload.byteLength;
  const open = openRing(turn, jobId);
  const upload = open?.ring.uploads.get(workerId);
  if (open === undefined || upload === undefined || upload.isMerging || !isSame(upload.identity, identity)) {
    refuseStale(turn, call, identity);
    return;
  }
  if (upload.hash !== undefined && upload.hash !== hash) {
    refuseSum(turn, open, workerId, call, 'hashMismatch', 'The members agreed on another sum.');
    advance(turn, jobId);
    return;
  }
  upload.isMerging = true;
  upload.call = call;
  const { round } = open.round;
  const { weight } = upload;
  const normMax = open.job.document.updateNormMax;
  const { ringEpoch } = identity;
  turn.effects.push({ kind: 'mergeSum', jobId, round, ringEpoch, workerId, weight, normMax, hash, payload });
}

function refuseSum(
  turn: Turn,
  { job, run, round, ring }: OpenRing,
  workerId: WorkerId,
  call: number | undefined,
  code: ErrorCode,
  message: string,
): void {
  if (call !== undefined) refuse(turn, call, code, message, 'payload');
  run.refused += 1;
  addTrouble(run, workerId);
  countRefusal(turn, workerId, code);
  failUpload(turn, job, round, ring, workerId);
}

/** The trainer has added the sum, or refused it. */
export function ringSumMerged(
  turn: Turn,
  { jobId, round, ringEpoch, workerId, outcome }: RingSumMerged,
): void {
  const open = openRing(turn, jobId);
  const upload = open?.ring.uploads.get(workerId);
  const isOurs = open?.round.round === round && upload?.identity.ringEpoch === ringEpoch && upload.isMerging;
  if (open === undefined || upload === undefined || !isOurs) return;
  const { run, ring } = open;
  if (outcome.accepted) {
    ring.uploads.delete(workerId);
    for (const holder of upload.holders) {
      ring.held.delete(holder);
      ring.lost.delete(holder);
      if (upload.hash !== undefined) run.ringMemory.trouble.delete(holder);
    }
    if (upload.call !== undefined) turn.effects.push({ kind: 'answerAccepted', call: upload.call });
  } else {
    refuseSum(turn, open, workerId, upload.call, outcome.code, outcome.message);
  }
  advance(turn, jobId);
}
