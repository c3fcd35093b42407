import { describe, expect, it } from 'vitest';
import { limits } from '../../../../shared/base/limits.ts';
import { BenchCoordinator } from './bench-coordinator.ts';
import { hashOf, workerIdOf } from './fixtures.ts';

const evaluation = { everyRounds: 1, samplesMax: 0, batchSize: 1 };

/** One fault after another, each on a fresh lease; returns the codes. */
function misbehave(bench: BenchCoordinator, name: string, faults: number): string[] {
  const codes: string[] = [];
  for (let fault = 0; fault < faults; fault++) {
    const lease = bench.lease(name);
    if (lease === undefined) break;
    bench.post(bench.contribution(name, lease, { manifestHash: hashOf('x') }));
    codes.push(...bench.take('refuse').map(({ code }) => code));
  }
  return codes;
}

function codesOfLease(bench: BenchCoordinator, name: string): string[] {
  bench.lease(name, 0);
  return bench.take('refuse').map(({ code }) => code);
}

describe('a worker', () => {
  it('is set aside after repeated faults, for a while, also when it comes back', () => {
    const bench = BenchCoordinator.withJob({ evaluation });
    bench.register('a');
    expect(misbehave(bench, 'a', limits.faultsBeforeQuarantine)).toHaveLength(limits.faultsBeforeQuarantine);
    expect(codesOfLease(bench, 'a')).toEqual(['quarantined']);
    bench.post({ kind: 'workerLeft', workerId: workerIdOf('a') });
    bench.register('a');
    expect(codesOfLease(bench, 'a')).toEqual(['quarantined']);
    bench.nowMs += limits.quarantineMs;
    expect(codesOfLease(bench, 'a')).toEqual([]);
    expect(bench.run.round?.pool.freeCount).toBe(3);
  });

  it('that is set aside holds no units and waits for none', () => {
    const bench = BenchCoordinator.withJob({ evaluation, unitsPerRound: 2 });
    bench.register('a');
    bench.register('b');
    misbehave(bench, 'a', limits.faultsBeforeQuarantine - 1);
    const last = bench.lease('a');
    const held = bench.lease('b');
    bench.lease('a');
    if (last !== undefined) bench.post(bench.contribution('a', last, { codec: 'zip' }));
    expect(bench.take('refuse').map(({ code }) => code)).toEqual(['wrongCodec', 'quarantined']);
    expect(bench.state.waiting.size).toBe(0);
    expect([...bench.state.leases.keys()]).toEqual([held?.leaseId]);
  });

  it('that registers again has its calls refused and its units handed out again', () => {
    const bench = BenchCoordinator.withJob({ evaluation, unitsPerRound: 1 });
    bench.register('a');
    bench.lease('a');
    bench.lease('a');
    bench.register('a');
    expect(bench.take('refuse').map(({ code }) => code)).toEqual(['connectionLost']);
    expect(bench.run.round?.pool.freeCount).toBe(1);
  });

  it('that the coordinator does not know is told to register', () => {
    const bench = BenchCoordinator.withJob();
    bench.post({ kind: 'heartbeat', workerId: workerIdOf('x'), samplesPerSecond: 1 });
    expect(bench.take('disconnect')).toMatchObject([{ code: 'notRegistered' }]);
    expect(codesOfLease(bench, 'x')).toEqual(['notRegistered']);
  });

  it('counts among ten thousand at most', () => {
    const bench = new BenchCoordinator();
    bench.post({ kind: 'becameLeader', epoch: 1 });
    for (let index = 0; index < limits.workersMax; index++) bench.register(`${index}`);
    bench.effects = [];
    expect(bench.register('late')).toMatchObject([{ kind: 'refuse', code: 'unavailable' }]);
  });
});
