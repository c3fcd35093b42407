import type { JobId, WorkerId } from '../../../shared/base/ids.ts';
import type { Refusal } from '../check-command.ts';
import type { JobRun, Round, Worker } from '../coordinator-state.ts';
import type { CallRef } from '../events.ts';
import { refuse, type Turn } from '../turn.ts';
import { reopenUnits } from './held-units.ts';
import { failExchange, failUpload, tell } from './ring-plans.ts';
import type { Ring } from './ring-state.ts';

/**
 * A worker is gone, and so is what it held. Its units are handed out again, unless the ring's sum, which has them, is
 * with another member.
 */
export function loseHolder(turn: Turn, workerId: WorkerId): void {
  for (const { jobId, round } of turn.state.runs.values()) {
    const ring = round?.ring;
    if (round === undefined || ring === undefined || !ring.held.has(workerId)) continue;
    if (ring.exchange?.members.includes(workerId)) {
      failExchange(turn, { jobId }, ring, ring.exchange, 'a member is gone');
    }
    if (isInSum(ring, workerId)) ring.lost.add(workerId);
    else reopenUnits(round, ring, workerId);
    dropUpload(turn, jobId, round, ring, workerId);
  }
}

/** A member that withdraws its consent has closed its channels: the ring begins anew another way. */
export function offerRingChannels(turn: Turn, worker: Worker, ringChannels: readonly string[]): void {
  // Both are in the order of the gateway's table.
  if (ringChannels.join() === worker.ringChannels.join()) return;
  worker.ringChannels = ringChannels;
  for (const { jobId, round } of turn.state.runs.values()) {
    const ring = round?.ring;
    const exchange = ring?.exchange;
    if (ring === undefined || exchange === undefined || !exchange.members.includes(worker.workerId)) continue;
    if (!ringChannels.includes(exchange.channel))
      failExchange(turn, { jobId }, ring, exchange, 'a member has closed its channels');
  }
}

function isInSum(ring: Ring, workerId: WorkerId): boolean {
  const sums = [...ring.uploads.values()].filter(({ hash, isMerging }) => hash !== undefined || isMerging);
  return sums.some(({ holders }) => holders.includes(workerId));
}

/** What is at the trainer already is not lost with its sender. */
function dropUpload(turn: Turn, jobId: JobId, round: Round, ring: Ring, workerId: WorkerId): void {
  const upload = ring.uploads.get(workerId);
  const job = turn.state.replicated.jobs.get(jobId);
  if (upload !== undefined && !upload.isMerging && job !== undefined)
    failUpload(turn, job, round, ring, workerId);
}

/** Ends what has taken too long: members that say nothing lose their units, and the others begin anew. */
export function tendRing(turn: Turn, run: JobRun): void {
  const { round, jobId } = run;
  const ring = round?.ring;
  const job = turn.state.replicated.jobs.get(jobId);
  if (round === undefined || ring === undefined || job === undefined) return;
  const { exchange } = ring;
  if (exchange !== undefined && exchange.deadlineMs <= turn.nowMs) {
    failExchange(turn, job, ring, exchange, 'the deadline has passed');
    const { members, hashes, stalled } = exchange;
    for (const id of members) if (!hashes.has(id) && !stalled.has(id)) reopenUnits(round, ring, id);
  }
  for (const [workerId, { deadlineMs, isMerging }] of ring.uploads) {
    if (!isMerging && deadlineMs <= turn.nowMs) failUpload(turn, job, round, ring, workerId);
  }
}

/** The round is over or given up: what is held for it is void. */
export function voidRing(turn: Turn, jobId: JobId, { ring }: Round, { code, message }: Refusal): void {
  if (ring === undefined) return;
  const { exchange, uploads } = ring;
  if (exchange !== undefined)
    tell(turn, { jobId }, exchange.members, { kind: 'over', identity: exchange.identity });
  for (const { call } of uploads.values()) if (call !== undefined) refuse(turn, call, code, message);
  uploads.clear();
  ring.exchange = undefined;
}

/** Whether a caller that gave up had handed in a sum, which is added all the same. */
export function abandonSum({ state }: Turn, call: CallRef): boolean {
  for (const { round } of state.runs.values()) {
    for (const upload of round?.ring?.uploads.values() ?? []) {
      if (upload.call !== call) continue;
      upload.call = undefined;
      return true;
    }
  }
  return false;
}
