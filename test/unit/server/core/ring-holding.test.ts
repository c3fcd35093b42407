import { expect, it } from 'vitest';
import type { LeaseGrant } from '../../../../server/core/effect-values.ts';
import type { RingIdentity } from '../../../../shared/sync/ring/ring-message.ts';
import { BenchCoordinator } from './bench-coordinator.ts';
import { hashOf, jobId, workerIdOf } from './fixtures.ts';

function hold(bench: BenchCoordinator, name: string, lease: LeaseGrant, ringId = lease.ringId ?? 0) {
  return bench.post(bench.contribution(name, lease, { ringId, norm: 1, payload: new Uint8Array(0) }));
}

function leased(bench: BenchCoordinator, name: string): LeaseGrant {
  const lease = bench.lease(name);
  if (lease === undefined) throw new Error('there is a free unit');
  return lease;
}

function handIn(bench: BenchCoordinator, identity: RingIdentity | undefined): void {
  if (identity === undefined) throw new Error('a was asked');
  const sum = { workerId: workerIdOf('a'), jobId, identity, hash: hashOf('own'), payload: new Uint8Array(4) };
  bench.post({ kind: 'ringUploaded', call: bench.call(), ...sum });
}

/** The trainer has added what `a` handed in. */
function mergeSum(bench: BenchCoordinator, identity: RingIdentity | undefined): void {
  const { round = 0 } = bench.run.round ?? {};
  const outcome = { accepted: true, norm: 1 } as const;
  const { ringEpoch = 0 } = identity ?? {};
  bench.post({ kind: 'ringSumMerged', jobId, round, ringEpoch, workerId: workerIdOf('a'), outcome });
}

/** All four units are held, and each of the two holders is asked for its own sum, one after the other. */
function askedForOwnSums(): {
  readonly bench: BenchCoordinator;
  readonly identities: Map<string, RingIdentity>;
} {
  const bench = BenchCoordinator.withJob({
    strategy: { kind: 'ringAllReduce' },
    evaluation: { everyRounds: 1, samplesMax: 0, batchSize: 1 },
    stop: { rounds: 100 },
  });
  for (const name of ['a', 'b']) bench.register(name, { ringChannels: ['relay'] });
  const ring = bench.run.round?.ring;
  if (ring === undefined) throw new Error('the round has a ring');
  ring.failures = 99;
  for (let turn = 0; turn < 4; turn++) {
    const name = turn % 2 === 0 ? 'a' : 'b';
    hold(bench, name, leased(bench, name));
  }
  const told = bench.take('tellRing');
  const identities = new Map(
    ['a', 'b'].flatMap((name) => {
      const effect = told.find(({ workerIds }) => workerIds.includes(workerIdOf(name)));
      return effect === undefined ? [] : [[name, effect.told.identity] as const];
    }),
  );
  return { bench, identities };
}

it('a worker whose sum is asked for is offered no ring for a unit that comes back from another', () => {
  const { bench, identities } = askedForOwnSums();
  const ringId = bench.run.round?.ring?.ringId ?? 0;
  bench.post({ kind: 'workerLeft', workerId: workerIdOf('b') });
  const lease = leased(bench, 'a');
  expect(lease.ringId).toBeUndefined();
  // It holds it all the same.
  hold(bench, 'a', lease, ringId);
  expect(bench.take('refuse').at(-1)).toMatchObject({ code: 'wrongRound', field: 'ring_id' });
  handIn(bench, identities.get('a'));
  mergeSum(bench, identities.get('a'));
  expect(bench.run.round?.weight).toBe(2);
  expect(bench.run.round?.pool.doneCount).toBe(2);
  expect(bench.take('storeRound')).toEqual([]);
});

it('a sum that is with the trainer stays counted when its sender is gone, and another sum does not come', () => {
  const { bench, identities } = askedForOwnSums();
  handIn(bench, identities.get('a'));
  for (const name of ['a', 'b']) bench.post({ kind: 'workerLeft', workerId: workerIdOf(name) });
  expect(bench.run.round?.pool.doneCount).toBe(2);
  mergeSum(bench, identities.get('a'));
  expect(bench.run.round).toMatchObject({ weight: 2, pool: { freeCount: 2 } });
  expect(bench.run.round?.ring?.held.size).toBe(0);
});

it('a worker cannot hold what a follower keeps', () => {
  const { bench } = askedForOwnSums();
  bench.post({ kind: 'workerLeft', workerId: workerIdOf('b') });
  bench.register('c', { ringChannels: ['relay'] });
  const lease = leased(bench, 'c');
  const ringId = bench.run.round?.ring?.ringId ?? 0;
  const heldAt = { coordinator: 'x', bytes: 12 };
  bench.post(bench.contribution('c', lease, { ringId, norm: 1, payload: new Uint8Array(0), heldAt }));
  expect(bench.take('refuse').at(-1)).toMatchObject({ code: 'wrongRound', field: 'ring_id' });
});
