import { closeRun, openRun } from './job-run.ts';
import { log, refuse, type Turn } from './turn.ts';

/** Everything that earlier leaders committed has been applied. */
export function becomeLeader(turn: Turn, { epoch }: { readonly epoch: number }): void {
  const { state } = turn;
  if (state.epoch === epoch) return;
  loseLeadership(turn);
  state.epoch = epoch;
  log(turn, 'info', 'leads', { epoch });
  for (const job of state.replicated.jobs.values()) if (job.state === 'running') openRun(turn, job);
}

/** Nothing that a deposed leader believes about workers and leases may outlive its epoch. */
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
  for (const workerId of state.workers.keys()) {
    effects.push({ kind: 'disconnect', workerId, code: 'unavailable', message });
  }
  state.workers.clear();
  state.expiredLeases.clear();
}
