import { describe, expect, it } from 'vitest';
import type { LeaseGrant } from '../../../../server/core/effect-values.ts';
import { BenchCoordinator } from './bench-coordinator.ts';
import { jobId, workerIdOf } from './fixtures.ts';

const evaluation = { everyRounds: 1, samplesMax: 0, batchSize: 1 };
const nothing = new Uint8Array(0);

/** A leader whose job has rounds of four units, with a worker of its own and one at each of two followers. */
function leaderWithFollowers(): BenchCoordinator {
  const bench = BenchCoordinator.withJob({ evaluation, unitsPerRound: 4 });
  bench.register('own');
  bench.register('at-b', { via: 'b' });
  bench.register('at-c', { via: 'c' });
  return bench;
}

function leased(bench: BenchCoordinator, name: string): LeaseGrant {
  const lease = bench.lease(name);
  if (lease === undefined) throw new Error('there is a free unit');
  return lease;
}

/** The worker's follower keeps the payload. */
function contributeAt(bench: BenchCoordinator, coordinator: string, lease: LeaseGrant) {
  const held = { payload: nothing, heldAt: { coordinator, bytes: 12 } };
  const contribution = bench.contribution(`at-${coordinator}`, lease, held);
  bench.post(contribution);
  return contribution;
}

/** Everything but the store of the round, which the test plays. */
const settleUnits = (bench: BenchCoordinator): void => bench.settle(({ kind }) => kind === 'storeRound');

/** Units 0 and 1 are counted at b, 2 at c, 3 at the leader. */
function fillRound(bench: BenchCoordinator): void {
  contributeAt(bench, 'b', leased(bench, 'at-b'));
  contributeAt(bench, 'b', leased(bench, 'at-b'));
  contributeAt(bench, 'c', leased(bench, 'at-c'));
  bench.finish('own', leased(bench, 'own'));
  settleUnits(bench);
}

describe('units of workers that followers serve', () => {
  it('are summed where their payloads are, and named when the round is stored', () => {
    const bench = leaderWithFollowers();
    const { call } = contributeAt(bench, 'b', leased(bench, 'at-b'));
    const serial = bench.run.round?.serial;
    expect(bench.take('reduce')).toMatchObject([
      { edge: { coordinator: 'b', call, serial }, payload: nothing },
    ]);
    const again = leaderWithFollowers();
    fillRound(again);
    const [stored] = again.take('storeRound');
    expect(stored?.weight).toBe(4);
    expect(stored?.edge?.shares).toEqual([
      { coordinator: 'b', units: [0, 1], weight: 2 },
      { coordinator: 'c', units: [2], weight: 1 },
    ]);
  });

  it('count the bytes that the follower has received', () => {
    const bench = leaderWithFollowers();
    contributeAt(bench, 'b', leased(bench, 'at-b'));
    expect(bench.state.workers.get(workerIdOf('at-b'))?.bytesReceived).toBe(12);
  });

  it('are free again when the follower is lost, those at others stay counted', () => {
    const bench = leaderWithFollowers();
    contributeAt(bench, 'b', leased(bench, 'at-b'));
    contributeAt(bench, 'c', leased(bench, 'at-c'));
    bench.finish('own', leased(bench, 'own'));
    settleUnits(bench);
    expect(bench.run.round?.weight).toBe(3);
    bench.post({ kind: 'coordinatorLost', coordinator: 'b' });
    expect(bench.run.round?.weight).toBe(2);
    expect(bench.run.round?.pool.freeCount).toBe(2);
    expect([...bench.state.workers.values()].map(({ name }) => name)).toEqual(['own', 'at-c']);
    for (const _ of [1, 2]) bench.finish('own', leased(bench, 'own'));
    settleUnits(bench);
    const [stored] = bench.take('storeRound');
    expect(stored?.edge?.shares).toEqual([{ coordinator: 'c', units: [1], weight: 1 }]);
    expect(stored?.weight).toBe(4);
  });

  it('that are being summed are refused when the follower is lost', () => {
    const bench = leaderWithFollowers();
    const { call } = contributeAt(bench, 'b', leased(bench, 'at-b'));
    bench.post({ kind: 'coordinatorLost', coordinator: 'b' });
    expect(bench.take('refuse')).toMatchObject([{ call, code: 'unavailable' }]);
    expect(bench.run.round?.reducing.size).toBe(0);
    expect(bench.run.round?.pool.freeCount).toBe(4);
    // The answer of the follower comes too late.
    const [reduce] = bench.take('reduce');
    if (reduce === undefined) throw new Error('the unit went to the follower');
    const { round, unit, leaseId } = reduce;
    const outcome = { accepted: true, norm: 1 } as const;
    bench.post({ kind: 'contributionReduced', jobId, round, unit, leaseId, outcome });
    expect(bench.run.round?.weight).toBe(0);
  });

  it('keep a round from being stored when their sum is missing, and are handed out again', () => {
    const bench = leaderWithFollowers();
    fillRound(bench);
    const [stored] = bench.take('storeRound');
    const serial = stored?.edge?.serial ?? 0;
    bench.post({ kind: 'sumsMissing', jobId, serial: serial - 1, coordinators: ['b'] });
    expect(bench.run.round?.phase).toBe('storing');
    // The loss of a follower says nothing about a sum that may have been collected already.
    bench.post({ kind: 'coordinatorLost', coordinator: 'b' });
    expect(bench.run.round?.weight).toBe(4);
    bench.post({ kind: 'sumsMissing', jobId, serial, coordinators: ['b'] });
    expect(bench.run.round).toMatchObject({ phase: 'collecting', weight: 2 });
    bench.work('own');
    expect(bench.job.version).toBeGreaterThan(0);
  });

  it('are summed apart when the round begins again', () => {
    const bench = leaderWithFollowers();
    contributeAt(bench, 'b', leased(bench, 'at-b'));
    const [first] = bench.take('reduce');
    const failure = { during: 'reduce', code: 'unavailable', message: 'disk full' } as const;
    bench.post({ kind: 'trainerFailed', jobId, ...failure });
    bench.settle();
    bench.commit({ kind: 'jobStateChanged', jobId, state: 'running', reason: '', atMs: 0 });
    bench.settle();
    contributeAt(bench, 'b', leased(bench, 'at-b'));
    const [second] = bench.take('reduce');
    expect(second?.round).toBe(first?.round);
    expect(second?.edge?.serial).toBeGreaterThan(first?.edge?.serial ?? 0);
  });
});

describe('a worker that moves from one coordinator to another', () => {
  it('is disconnected where it was, and is not missed when its former coordinator reports that it left', () => {
    const bench = leaderWithFollowers();
    bench.register('at-b', { via: 'c' });
    expect(bench.take('disconnect')).toMatchObject([{ workerId: workerIdOf('at-b'), via: 'b' }]);
    bench.post({ kind: 'workerLeft', workerId: workerIdOf('at-b'), via: 'b' });
    bench.post({ kind: 'coordinatorLost', coordinator: 'b' });
    expect(bench.state.workers.get(workerIdOf('at-b'))?.via).toBe('c');
    bench.post({ kind: 'workerLeft', workerId: workerIdOf('at-b'), via: 'c' });
    expect(bench.state.workers.has(workerIdOf('at-b'))).toBe(false);
  });

  it('is told by its follower to register when the leader does not know it', () => {
    const bench = leaderWithFollowers();
    bench.post({ kind: 'heartbeat', workerId: workerIdOf('x'), samplesPerSecond: 1, via: 'b' });
    expect(bench.take('disconnect')).toMatchObject([
      { workerId: workerIdOf('x'), via: 'b', code: 'notRegistered' },
    ]);
  });
});
