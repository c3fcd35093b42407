import { expect, it } from 'vitest';
import type { ContributionReceived } from '../../../../server/core/events.ts';
import { listWorkers } from '../../../../server/core/views.ts';
import type { AdaptiveSpec } from '../../../../shared/sync/strategy-spec.ts';
import { BenchCoordinator } from './bench-coordinator.ts';
import { document } from './fixtures.ts';

const adaptive: AdaptiveSpec = {
  kind: 'adaptive',
  strategies: [{ kind: 'parameterServerSynchronous' }],
  everyRounds: 2,
};

function adaptiveBench(): BenchCoordinator {
  const bench = BenchCoordinator.withJob({
    strategy: adaptive,
    codec: { ...document.codec, up: [{ kind: 'float32' }, { kind: 'sign' }] },
    evaluation: { ...document.evaluation, samplesMax: 0 },
    stop: { rounds: 50 },
  });
  bench.register('a');
  return bench;
}

/** One worker computes the round's units, each sent for so long. */
function workRound(
  bench: BenchCoordinator,
  transferMs: number,
  told: Partial<ContributionReceived> = {},
): void {
  const { version } = bench.job;
  while (bench.job.version === version) {
    const lease = bench.lease('a', 0);
    if (lease === undefined) throw new Error('there is a unit');
    bench.nowMs += 100 + transferMs;
    bench.post(bench.contribution('a', lease, { computeMs: 100, ...told }));
    bench.settle();
  }
}

it('says from the first round on what the policy may change', () => {
  expect(adaptiveBench().job.plan).toEqual({
    strategy: { kind: 'parameterServerSynchronous' },
    codec: 'float32',
    adaptive,
  });
});

it('changes nothing while the uplinks are fast', () => {
  const bench = adaptiveBench();
  for (let round = 0; round < 6; round++) workRound(bench, 0);
  expect(bench.job.planChanges).toEqual([]);
});

it('asks for the smaller codec when the uplinks are throttled midway, logs why, and goes on', () => {
  const bench = adaptiveBench();
  for (let round = 0; round < 2; round++) workRound(bench, 0);
  for (let round = 2; round < 8; round++) {
    if (bench.job.plan.codec !== 'float32') break;
    workRound(bench, 2_000);
  }
  expect(bench.job.planChanges).toMatchObject([{ by: 'adaptive', plan: { codec: 'sign', adaptive } }]);
  const [change] = bench.job.planChanges;
  const logged = bench.take('log').find(({ message }) => message === 'plan chosen');
  expect(logged?.fields['reason']).toBe(change?.reason);
  expect(change?.reason).toMatch(/upload 2\.\d s/);
  // The round that was open goes on; from the next on the leases ask for the codec.
  expect(bench.lease('a')?.codec).toBe('sign');
});

it('believes what workers say of their uplinks, also where updates are sent while others are computed', () => {
  const bench = adaptiveBench();
  for (let round = 0; round < 4; round++) workRound(bench, 0, { uplinkBytesPerSecond: 6 });
  expect(bench.job.planChanges).toMatchObject([{ by: 'adaptive', plan: { codec: 'sign' } }]);
  expect(bench.job.planChanges[0]?.reason).toMatch(/^uplink 6 B\/s, /);
  expect(listWorkers(bench.state, bench.nowMs)).toMatchObject([
    { codec: 'float32', uplinkBytesPerSecond: 6 },
  ]);
});

it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('takes %s for no uplink', (uplinkBytesPerSecond) => {
  const bench = adaptiveBench();
  for (let round = 0; round < 4; round++) workRound(bench, 0, { uplinkBytesPerSecond });
  expect(bench.job.planChanges).toEqual([]);
  expect(listWorkers(bench.state, bench.nowMs)).toMatchObject([{ uplinkBytesPerSecond: 0 }]);
});

it('is not asked where only an admin may change the plan', () => {
  const bench = BenchCoordinator.withJob({
    stop: { rounds: 50 },
    evaluation: { ...document.evaluation, samplesMax: 0 },
  });
  bench.register('a');
  for (let round = 0; round < 10; round++) workRound(bench, 2_000);
  expect(bench.job.planChanges).toEqual([]);
});
