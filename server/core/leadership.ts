import { reachEpoch } from './blob-removal.ts';
import { closeRun, openRun } from './job-run.ts';
import { reconcileReplicas } from './replicas.ts';
import { log, refuse, type Turn } from './turn.ts';
import { placeOf } from './workers.ts';

/** Everything that earlier leaders committed has been applied. A job whose replica is there as well goes on at once. */
export function becomeLeader(turn: Turn, { epoch }: { readonly epoch: number }): void {
  const { state } = turn;
  if (state.epoch === epoch) return;
  loseLeadership(turn);
  state.epoch = epoch;
  state.isLive = true;
  reachEpoch(state, epoch);
  log(turn, 'info', 'leads', { epoch });
  for (const job of state.replicated.jobs.values()) if (job.state === 'running') openRun(turn, job);
  reconcileReplicas(turn);
}

/** Nothing that a deposed leader believes about workers and leases may outlive its epoch. Its replicas stay. */
export function loseLeadership(turn: Turn): void {
  const { state, effects } = turn;
  if (state.epoch === undefined) return;
  log(turn, 'warn', 'leads no longer', { epoch: state.epoch });
  const message = 'This coordinator does not lead; connect to the leader.';
  state.epoch = undefined;
  for (const worker of state.workers.values()) worker.calls.clear();
  for (const call of state.waiting.all()) {
    state.waiting.remove(call);
    refuse(turn, call.call, 'unavailable', message);
  }
  for (const run of [...state.runs.values()]) closeRun(turn, run, { code: 'unavailable', message });
  for (const worker of state.workers.values()) {
    effects.push({ kind: 'disconnect', ...placeOf(worker), code: 'unavailable', message });
  }
  state.workers.clear();
  state.expiredLeases.clear();
  state.refusedSums.clear();
  for (const replica of state.replicas.values()) {
    if (replica.retryAtMs === Number.POSITIVE_INFINITY) replica.retryAtMs = turn.nowMs;
  }
}
