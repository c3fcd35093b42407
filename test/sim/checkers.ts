import { applyCommand } from '../../server/core/apply-command.ts';
import type { CoordinatorState, JobRun, Lease } from '../../server/core/coordinator-state.ts';
import { poolOf } from '../../server/core/leases.ts';
import { createReplicatedState, referencedBlobs } from '../../server/core/replicated-state.ts';
import { toSnapshot } from '../../server/core/snapshot.ts';
import { assert } from '../../shared/base/assert.ts';
import { limits } from '../../shared/base/limits.ts';
import { shardHashes } from './jobs.ts';
import type { SimCoordinator } from './sim-coordinator.ts';

/** What must hold between any two events. */
export function checkAfterStep(coordinator: SimCoordinator): void {
  const { state } = coordinator;
  checkCalls(coordinator);
  checkBounds(state);
  for (const lease of state.leases.values()) checkLease(state, lease);
  for (const worker of state.workers.values()) checkWorkerLeases(state, [...worker.leases.values()]);
  for (const run of state.runs.values()) checkRun(state, run);
}

/** Every open call is held by exactly one part of the core or by the log: none leaks, none is answered twice. */
function checkCalls({ openCalls, state, log }: SimCoordinator): void {
  const held = state.waiting.size + state.reducingCalls.size + log.calls.size;
  assert(openCalls.size === held, `${openCalls.size} calls are open, but ${held} are held`);
  for (const { call } of state.waiting.all()) assert(openCalls.has(call), `waiting call ${call} is open`);
  for (const call of state.reducingCalls.keys()) assert(openCalls.has(call), `reducing call ${call} is open`);
}

function checkBounds(state: CoordinatorState): void {
  const { workers, waiting, leases, expiredLeases } = state;
  const perWorkers = workers.size * limits.leasesPerWorkerMax;
  assert(waiting.size + leases.size <= perWorkers, 'waiting calls and leases are bounded by the workers');
  assert(expiredLeases.size <= limits.expiredLeasesMax, 'expired leases are bounded');
  if (state.epoch === undefined) {
    assert(workers.size + leases.size + state.runs.size === 0, 'who does not lead holds nothing');
  }
}

function checkLease(state: CoordinatorState, lease: Lease): void {
  const run = state.runs.get(lease.jobId);
  const pool = run === undefined ? undefined : poolOf(run, lease);
  assert(pool?.leasesOf(lease.unit).includes(lease.leaseId) === true, 'a lease is of an open round');
  assert(pool.leasesOf(lease.unit).length <= limits.leasesPerUnitMax, 'copies of a unit are bounded');
  assert(
    state.workers.get(lease.workerId)?.leases.get(lease.leaseId) === lease,
    'a lease has a connected holder',
  );
}

function checkWorkerLeases(state: CoordinatorState, leases: readonly Lease[]): void {
  const units = new Set(leases.map(({ jobId, kind, unit }) => `${jobId} ${kind} ${unit}`));
  assert(units.size === leases.length, 'a worker holds a unit once');
  for (const lease of leases) assert(state.leases.get(lease.leaseId) === lease, 'a held lease is live');
}

function checkRun(state: CoordinatorState, run: JobRun): void {
  const job = state.replicated.jobs.get(run.jobId);
  assert(job?.state === 'running', 'only running jobs are led');
  const { round, evaluation } = run;
  if (evaluation !== undefined)
    assert(evaluation.version === job.version, 'the current version is evaluated');
  if (round === undefined) return;
  assert(round.round === job.version, 'the open round makes the next version');
  assert(
    round.phase !== 'committing' || evaluation === undefined,
    'a round commits after the evaluation of its base',
  );
  const { unitsPerRound, checkpoint } = job.document;
  assert(job.aggregates.length <= 2 * checkpoint.everyRounds, 'aggregates are bounded by the checkpoints');
  let [free, reducing, done] = [0, 0, 0];
  for (let unit = 0; unit < unitsPerRound; unit++) {
    const status = round.pool.statusOf(unit);
    if (status === 'free') free += 1;
    if (status === 'reducing') reducing += 1;
    if (status === 'done') done += 1;
    if (status === 'leased') assert(round.pool.leasesOf(unit).length > 0, 'a leased unit has a lease');
    if (status === 'done')
      assert(round.pool.leasesOf(unit).length === 0, 'a counted unit is computed no more');
  }
  assert(free === round.pool.freeCount && done === round.pool.doneCount, 'units are counted right');
  assert(reducing === round.reducing.size, 'every unit at the reducer is remembered');
}

/** Nothing that a restart needs may be missing. */
export function checkDisk({ state, blobs }: SimCoordinator): void {
  const shards = shardHashes();
  const named = referencedBlobs(state.replicated);
  for (const hash of named) assert(shards.has(hash) || blobs.has(hash), `blob ${hash} is stored`);
}

/** When nothing is going on any more, nothing else is stored than what the jobs name and what was given up. */
export function checkLeftovers({ state, blobs, storesGivenUp }: SimCoordinator): void {
  const named = referencedBlobs(state.replicated);
  const leftovers = blobs.list().filter((hash) => !named.has(hash));
  const blobsPerStore = 6;
  assert(leftovers.length <= blobsPerStore * storesGivenUp, `${leftovers.length} blobs were left behind`);
}

/** The state follows from the log alone, whatever snapshots and restarts were on the way. */
export function checkAgainstLog({ state, log }: SimCoordinator): void {
  const oracle = createReplicatedState();
  for (let index = 1; index <= state.replicated.appliedIndex; index++) {
    applyCommand(oracle, index, log.read(index));
  }
  const [expected, actual] = [oracle, state.replicated].map((one) => JSON.stringify(toSnapshot(one)));
  assert(expected === actual, 'the state is that of the log');
}
