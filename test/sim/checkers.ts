import { applyCommand } from '../../server/core/apply-command.ts';
import type { Command } from '../../server/core/commands.ts';
import type { CoordinatorState, JobRun, Lease, Round } from '../../server/core/coordinator-state.ts';
import { poolOf } from '../../server/core/leases.ts';
import { releasableBlobs } from '../../server/core/named-blobs.ts';
import type { Replica } from '../../server/core/replica.ts';
import { createReplicatedState, referencedBlobs, shardBlobs } from '../../server/core/replicated-state.ts';
import type { Ring } from '../../server/core/ring/ring-state.ts';
import { toSnapshot } from '../../server/core/snapshot.ts';
import { assert } from '../../shared/base/assert.ts';
import type { BlobHash } from '../../shared/base/ids.ts';
import { limits } from '../../shared/base/limits.ts';
import type { SimCoordinator } from './sim-coordinator.ts';
import type { SimLog } from './sim-log.ts';

/** What must hold between any two events. */
export function checkAfterStep(coordinator: SimCoordinator): void {
  const { state } = coordinator;
  checkCalls(coordinator);
  checkBounds(state);
  for (const lease of state.leases.values()) checkLease(state, lease);
  for (const worker of state.workers.values()) checkWorkerLeases(state, [...worker.leases.values()]);
  for (const run of state.runs.values()) checkRun(state, run);
  for (const replica of state.replicas.values()) checkReplica(state, replica);
}

/** Every open call is held by exactly one part of the core or by the log: none leaks, none is answered twice. */
function checkCalls({ openCalls, state, member, securingCalls }: SimCoordinator): void {
  const inLog = member.calls.size + securingCalls.size;
  const core = state.waiting.size + state.reducingCalls.size + state.parkedCalls.size;
  const held = core + uploadCalls(state) + inLog;
  assert(openCalls.size === held, `${openCalls.size} calls are open, but ${held} are held`);
  for (const { call } of state.waiting.all()) assert(openCalls.has(call), `waiting call ${call} is open`);
  for (const call of [...state.reducingCalls.keys(), ...state.parkedCalls.keys()]) {
    assert(openCalls.has(call), `the call ${call} of a contribution is open`);
  }
}

function uploadCalls({ runs }: CoordinatorState): number {
  let calls = 0;
  for (const { round } of runs.values()) {
    for (const { call } of round?.ring?.uploads.values() ?? []) if (call !== undefined) calls += 1;
  }
  return calls;
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
  const units = new Set(leases.map(({ jobId, kind, round, unit }) => `${jobId} ${kind} ${round} ${unit}`));
  assert(units.size === leases.length, 'a worker holds a unit once');
  for (const lease of leases) assert(state.leases.get(lease.leaseId) === lease, 'a held lease is live');
}

function checkRun(state: CoordinatorState, run: JobRun): void {
  const job = state.replicated.jobs.get(run.jobId);
  assert(job?.state === 'running', 'only running jobs are led');
  const replica = state.replicas.get(run.jobId);
  const isThere = replica?.version === job.version && replica.step === undefined;
  assert(!run.isOpen || isThere, 'an open job has its replica at the committed version');
  checkPools(run);
  const { round, evaluation } = run;
  if (evaluation !== undefined)
    assert(evaluation.version === job.version, 'the current version is evaluated');
  if (round === undefined) return;
  assert(round.round === job.version, 'the open round makes the next version');
  assert(
    round.phase !== 'committing' || evaluation === undefined,
    'a round commits after the evaluation of its base',
  );
  const { checkpoint } = job.document;
  assert(job.aggregates.length <= 2 * checkpoint.everyRounds, 'aggregates are bounded by the checkpoints');
  const { counted, reducing, strategy } = round;
  const begun = counted.length + reducing.size;
  assert(begun <= strategy.contributionsMax(job.document.unitsPerRound), 'a round takes no more than it may');
  const slots = [...counted, ...reducing.values()].map(({ slot }) => slot);
  assert(new Set(slots).size === slots.length, 'a round counts a unit once');
  if (round.ring !== undefined) checkRing(state, round, round.ring);
}

/** A counted unit is in the trainer's sum, or one worker holds it; the round is stored when nobody holds anything. */
function checkRing(state: CoordinatorState, { counted, phase }: Round, ring: Ring): void {
  const { held, exchange, uploads, lost } = ring;
  const slots = [...held.values()].flatMap((units) => [...units.values()].map(({ slot }) => slot));
  const countedSlots = new Set(counted.map(({ slot }) => slot));
  assert(new Set(slots).size === slots.length, 'one worker holds a unit');
  for (const slot of slots) assert(countedSlots.has(slot), `unit ${slot} is counted while it is held`);
  assert(held.size === 0 || phase === 'collecting', 'nothing is held of a round that is stored');
  for (const holder of held.keys()) {
    assert(state.workers.has(holder) || lost.has(holder), `${holder} is there, or the sum of its ring is`);
  }
  assert(exchange === undefined || uploads.size === 0, 'a ring sums, or hands in');
  for (const member of exchange?.members ?? []) assert(held.has(member), `${member} holds what it sums`);
  for (const upload of uploads.values()) {
    const units = upload.holders.flatMap((holder) => [...(held.get(holder)?.values() ?? [])]);
    const weight = units.reduce((sum, unit) => sum + unit.weight, 0);
    assert(weight === upload.weight, 'a sum that is asked for weighs what its units weigh');
  }
}

/** Every unit is in one state, and what is being reduced or waits is remembered. */
function checkPools({ round, earlierPools, parked }: JobRun): void {
  const pools = [...earlierPools.values(), ...(round === undefined ? [] : [round.pool])];
  let reducing = 0;
  for (const pool of pools) {
    let [free, done] = [0, 0];
    for (let unit = 0; unit < pool.units; unit++) {
      const status = pool.statusOf(unit);
      if (status === 'free') free += 1;
      if (status === 'reducing') reducing += 1;
      if (status === 'done') done += 1;
      if (status === 'leased') assert(pool.leasesOf(unit).length > 0, 'a leased unit has a lease');
      if (status === 'done') assert(pool.leasesOf(unit).length === 0, 'a counted unit is computed no more');
    }
    assert(free === pool.freeCount && done === pool.doneCount, 'units are counted right');
  }
  assert(
    reducing === (round?.reducing.size ?? 0) + parked.length,
    'every unit at the reducer is remembered, and every one that waits',
  );
}

/** What the replica holds and what it still has to follow end at the committed version, without a gap. */
function checkReplica({ replicated }: CoordinatorState, replica: Replica): void {
  const { step, backlog, version } = replica;
  const job = replicated.jobs.get(replica.jobId);
  const from = step?.kind === 'fetchingPlan' || step?.kind === 'opening' ? step.start.version : version;
  if (job === undefined || from === undefined) return;
  assert(
    backlog.every(({ round }, index) => round === from + index) && from + backlog.length === job.version,
    `replica of ${job.jobId} at ${from} lacks ${backlog.length} rounds to ${job.version}`,
  );
  assert(backlog.length <= 2 * job.document.checkpoint.everyRounds, 'the backlog is bounded');
}

/** A command is decided: what it names is on a majority of the disks, or was until a fault took it. */
export function checkMajority(coordinators: readonly SimCoordinator[], command: Command): void {
  for (const hash of namedBlobs(command)) {
    const holders = coordinators.filter(({ blobs }) => blobs.has(hash) || blobs.destroyed.has(hash));
    const share = `${holders.length} of ${coordinators.length}`;
    assert(
      2 * holders.length > coordinators.length,
      `${hash} of ${command.kind} is on a majority, not on ${share}`,
    );
  }
}

function namedBlobs(command: Command): Iterable<BlobHash> {
  if (command.kind === 'jobSubmitted') return [command.initialParametersHash, ...shardBlobs(command.dataset)];
  return command.kind === 'datasetRegistered' ? shardBlobs(command.dataset) : releasableBlobs(command);
}

/** Where nobody leads, nothing waits for a leader's work. */
export function checkRest({ state, securingCalls, id }: SimCoordinator): void {
  if (state.epoch !== undefined) return;
  assert(securingCalls.size === 0, `no change waits on ${id}, which does not lead`);
}

/** Nothing that anyone needs may be missing, and nothing else may be left. */
export function checkDisk({ state, blobs, id }: SimCoordinator, lost: ReadonlySet<BlobHash>): void {
  const named = referencedBlobs(state.replicated);
  for (const hash of named) assert(blobs.has(hash) || lost.has(hash), `${id} has blob ${hash}`);
  const leftovers = blobs.list().filter((hash) => !named.has(hash));
  assert(leftovers.length === 0, `${leftovers.length} blobs were left behind on ${id}`);
}

/** The state follows from the log alone, whatever snapshots and restarts were on the way. */
export function checkAgainstLog({ state, member }: SimCoordinator, log: SimLog): void {
  const oracle = createReplicatedState();
  assert(member.deliveredIndex === log.entries.length, 'the log was delivered to its end');
  for (let index = 1; index <= log.entries.length; index++) applyCommand(oracle, index, log.read(index));
  const [expected, actual] = [oracle, state.replicated].map((one) => JSON.stringify(toSnapshot(one)));
  assert(expected === actual, 'the state is that of the log');
  for (const job of oracle.jobs.values()) {
    const { jobId, unitsCounted, runningMs, createdAtMs, stateSinceMs } = job;
    assert(unitsCounted === log.unitsOf(jobId), `every unit of ${jobId} is counted once`);
    assert(runningMs <= stateSinceMs - createdAtMs, `no time of ${jobId} is counted twice`);
  }
}
