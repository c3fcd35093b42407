import { expect, it } from 'vitest';
import { limits } from '../../../../shared/base/limits.ts';
import { BenchCoordinator } from './bench-coordinator.ts';
import { jobId, workerIdOf } from './fixtures.ts';

const evaluation = { everyRounds: 1, samplesMax: 0, batchSize: 1 };
const refused = [{ coordinator: 'b', code: 'wrongLength', message: 'short' }] as const;

/** A round whose unit 0 is counted at follower b, the others at the leader, and that is being stored. */
function storing(bench: BenchCoordinator): number {
  const lease = bench.lease('at-b') ?? bench.lease('at-b');
  if (lease === undefined) throw new Error('there is a free unit');
  const held = { payload: new Uint8Array(0), heldAt: { coordinator: 'b', bytes: 12 } };
  bench.post(bench.contribution('at-b', lease, held));
  for (let own = bench.lease('own', 0); own !== undefined; own = bench.lease('own', 0))
    bench.finish('own', own);
  bench.settle(({ kind }) => kind === 'storeRound');
  const [stored] = bench.take('storeRound');
  return stored?.edge?.serial ?? 0;
}

function leader(): BenchCoordinator {
  const bench = BenchCoordinator.withJob({ evaluation, unitsPerRound: 4 });
  bench.register('own');
  bench.register('at-b', { via: 'b' });
  return bench;
}

it('a damaged sum of a follower is counted, and its units are handed out again', () => {
  const bench = leader();
  const serial = storing(bench);
  bench.post({ kind: 'sumsMissing', jobId, serial, coordinators: ['b'], refused });
  expect(bench.run).toMatchObject({ refused: 1, round: { phase: 'collecting', weight: 3 } });
  expect(bench.run.round?.pool.freeCount).toBe(1);
  expect(bench.take('log')).toContainEqual(
    expect.objectContaining({
      message: 'refused the sum of a coordinator',
      fields: { jobId, coordinator: 'b', code: 'wrongLength', reason: 'short', times: 1 },
    }),
  );
  expect(bench.job.state).toBe('running');
  bench.work('own');
  expect(bench.job.version).toBeGreaterThan(0);
});

it('a follower whose sums are damaged again and again serves no workers, until the next leader', () => {
  const bench = leader();
  for (let times = 0; times < limits.edgeSumsRefusedMax; times++) {
    expect(bench.state.workers.has(workerIdOf('at-b'))).toBe(true);
    bench.post({ kind: 'sumsMissing', jobId, serial: storing(bench), coordinators: ['b'], refused });
    bench.post({ kind: 'coordinatorLost', coordinator: 'b' });
    bench.take('refuse');
    bench.register('at-b', { via: 'b' });
  }
  expect(bench.take('refuse')).toMatchObject([{ code: 'unavailable' }]);
  expect(bench.state.workers.has(workerIdOf('at-b'))).toBe(false);
  bench.register('at-b', { via: 'c' });
  expect(bench.state.workers.has(workerIdOf('at-b'))).toBe(true);
  bench.post({ kind: 'lostLeadership' });
  expect(bench.state.refusedSums.size).toBe(0);
});
