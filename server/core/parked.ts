import { limits } from '../../shared/base/limits.ts';
import type { Refusal } from './check-command.ts';
import type { CoordinatorState, JobRun, Parked } from './coordinator-state.ts';
import { voidLeases } from './leases.ts';
import { refuse, type Turn } from './turn.ts';

/**
 * Contributions that come while no round takes any more wait here, with their payloads, for the next one: where there
 * is no barrier, nobody has to send a unit twice. They end with the leadership, as everything that is not in the log.
 */
export function park(turn: Turn, run: JobRun, arrived: Parked): void {
  const { event, lease, pool } = arrived;
  if (run.parked.length < limits.contributionsParkedMax) {
    run.parked.push(arrived);
    turn.state.parkedCalls.set(event.call, run.jobId);
    return;
  }
  pool.failReducing(lease.unit);
  const message = `${run.parked.length} contributions wait for the next round; send it again later.`;
  refuse(turn, event.call, 'unavailable', message);
}

/** The first that waits; undefined when none does. */
export function unpark({ state }: Turn, run: JobRun): Parked | undefined {
  const arrived = run.parked.shift();
  if (arrived !== undefined) state.parkedCalls.delete(arrived.event.call);
  return arrived;
}

/** The caller gave up: its unit may be computed by another. True when the call waited here. */
export function abandonParked(state: CoordinatorState, call: number): boolean {
  const jobId = state.parkedCalls.get(call);
  const run = jobId === undefined ? undefined : state.runs.get(jobId);
  if (run === undefined) return false;
  const at = run.parked.findIndex(({ event }) => event.call === call);
  const [arrived] = run.parked.splice(at, 1);
  arrived?.pool.failReducing(arrived.lease.unit);
  state.parkedCalls.delete(call);
  return true;
}

/** The round is committed. What its workers still compute may count in the next ones; the rest of its units is void. */
export function keepForLater(run: JobRun): void {
  const { round } = run;
  if (round === undefined) return;
  run.earlierPools.set(round.round, round.pool);
  run.round = undefined;
  for (const [number, pool] of run.earlierPools) if (pool.busyCount === 0) run.earlierPools.delete(number);
}

/** Nothing of earlier rounds may count any more. */
export function voidEarlier(turn: Turn, run: JobRun, { code, message }: Refusal): void {
  for (let arrived = unpark(turn, run); arrived !== undefined; arrived = unpark(turn, run)) {
    refuse(turn, arrived.event.call, code, message);
  }
  for (const pool of run.earlierPools.values()) voidLeases(turn.state, pool);
  run.earlierPools.clear();
}
