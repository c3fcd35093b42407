import type { JobId } from '../../shared/base/ids.ts';
import type { JobRun, Round } from './coordinator-state.ts';
import type { CoordinatorId } from './effect-values.ts';
import type { Event } from './events.ts';
import { advance } from './job-run.ts';
import { abandonParked } from './parked.ts';
import { recordRefusedSum } from './refused-sums.ts';
import { log, refuse, type Turn } from './turn.ts';
import { removeWorker } from './workers.ts';

/**
 * Followers serve workers for the leader, and sum what these contribute. A unit that is counted at a follower is there
 * alone: when the follower is lost before its sum was collected, the unit is free again, and whoever computes it anew gives
 * the same bits.
 */

type EventOf<Kind extends Event['kind']> = Extract<Event, { kind: Kind }>;

/** Its workers are gone, and what it has summed. A round that is being stored has the sum already, or misses it. */
export function coordinatorLost(turn: Turn, { coordinator }: EventOf<'coordinatorLost'>): void {
  const { state } = turn;
  if (state.epoch === undefined) return;
  for (const worker of [...state.workers.values()]) {
    if (worker.via === coordinator) removeWorker(turn, worker.workerId);
  }
  let freed = 0;
  for (const [jobId, run] of state.runs) {
    refuseParked(turn, run, coordinator);
    if (run.round === undefined) continue;
    refuseReducing(turn, run.round, coordinator);
    if (run.round.phase === 'collecting') freed += loseCounted(run.round, new Set([coordinator]));
    advance(turn, jobId);
  }
  log(turn, 'warn', 'lost a coordinator that served workers', { coordinator, unitsFreed: freed });
}

/** What the other coordinators have summed is still there, and so is what the leader has. */
export function sumsMissing(turn: Turn, event: EventOf<'sumsMissing'>): void {
  const { jobId, serial, coordinators, refused = [] } = event;
  for (const sum of refused) recordRefusedSum(turn, jobId, sum);
  const round = openRoundOf(turn, jobId);
  if (round?.serial !== serial || round.phase !== 'storing') return;
  round.phase = 'collecting';
  const unitsFreed = loseCounted(round, new Set(coordinators));
  log(turn, 'warn', 'sums of other coordinators are missing', { jobId, round: round.round, unitsFreed });
  advance(turn, jobId);
}

function openRoundOf({ state }: Turn, jobId: JobId): Round | undefined {
  return state.runs.get(jobId)?.round;
}

function refuseParked(turn: Turn, { parked }: JobRun, coordinator: CoordinatorId): void {
  for (const { event } of parked.filter((waiting) => waiting.event.heldAt?.coordinator === coordinator)) {
    abandonParked(turn.state, event.call);
    refuse(turn, event.call, 'unavailable', lostMessage(coordinator));
  }
}

function refuseReducing(turn: Turn, { reducing }: Round, coordinator: CoordinatorId): void {
  for (const [leaseId, { heldAt, pool, unit, call }] of reducing) {
    if (heldAt !== coordinator) continue;
    reducing.delete(leaseId);
    pool.failReducing(unit);
    if (call === undefined) continue;
    turn.state.reducingCalls.delete(call);
    refuse(turn, call, 'unavailable', lostMessage(coordinator));
  }
}

/** @returns how many units are free again. */
function loseCounted(round: Round, lost: ReadonlySet<CoordinatorId>): number {
  const gone = round.counted.filter(({ heldAt }) => heldAt !== undefined && lost.has(heldAt));
  round.counted = round.counted.filter((unit) => !gone.includes(unit));
  for (const { pool, unit, weight } of gone) {
    pool.lose(unit);
    round.weight -= weight;
  }
  return gone.length;
}

function lostMessage(coordinator: CoordinatorId): string {
  return `Coordinator ${coordinator} was lost before the update was counted.`;
}
