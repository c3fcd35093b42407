import { describe, expect, it } from 'vitest';
import { asJobId } from '../../../../shared/base/ids.ts';
import { limits } from '../../../../shared/base/limits.ts';
import { BenchCoordinator } from './bench-coordinator.ts';
import { submission, workerIdOf } from './fixtures.ts';

const evaluation = { everyRounds: 1, samplesMax: 0, batchSize: 1 };

function benchWith(units: number, ...names: string[]): BenchCoordinator {
  const bench = BenchCoordinator.withJob({ evaluation, unitsPerRound: units, stop: { rounds: 1_000 } });
  for (const name of names) bench.register(name);
  return bench;
}

/** Computes whole rounds, so that the coordinator knows how long a unit takes. */
function learnUnitTime(bench: BenchCoordinator, name: string, unitMs: number, units: number): void {
  for (let unit = 0; unit < units; unit++) {
    const lease = bench.lease(name);
    if (lease === undefined) throw new Error('Expected a lease.');
    bench.nowMs += unitMs;
    bench.finish(name, lease);
    bench.settle();
  }
}

function alive(bench: BenchCoordinator, ...names: string[]): void {
  for (const name of names)
    bench.post({ kind: 'heartbeat', workerId: workerIdOf(name), samplesPerSecond: 1 });
}

describe('leases', () => {
  it('let a lone worker run ahead', () => {
    const bench = benchWith(4, 'a');
    expect([bench.lease('a')?.unit, bench.lease('a')?.unit]).toEqual([0, 1]);
  });

  it('keep the last units of a round for workers that run dry', () => {
    const bench = benchWith(3, 'a', 'b');
    const first = bench.lease('a');
    expect([first?.unit, bench.lease('b')?.unit]).toEqual([0, 1]);
    expect(bench.lease('a')).toBeUndefined();
    if (first !== undefined) bench.finish('a', first);
    expect(bench.take('answerLease').map(({ lease }) => lease?.unit)).toEqual([2]);
  });

  it('serve workers with nothing to do before those that ask ahead', () => {
    const bench = benchWith(2, 'a', 'b', 'c');
    const held = bench.lease('a');
    bench.lease('b');
    expect(bench.lease('a')).toBeUndefined();
    expect(bench.lease('c')).toBeUndefined();
    if (held !== undefined) bench.post({ kind: 'workerLeft', workerId: workerIdOf('b') });
    expect(bench.take('answerLease').map(({ lease }) => lease?.unit)).toEqual([1]);
    expect(bench.state.workers.get(workerIdOf('c'))?.leases.size).toBe(1);
  });

  it('are bounded for each worker, waiting calls included', () => {
    const bench = benchWith(64, 'a');
    for (let held = 0; held < limits.leasesPerWorkerMax; held++) expect(bench.lease('a')).toBeDefined();
    expect(bench.lease('a')).toBeUndefined();
    expect(bench.take('refuse').map(({ code }) => code)).toEqual(['rateLimited']);
  });

  it('end with a worker that leaves, falls silent, or gives them back', () => {
    const bench = benchWith(3, 'a', 'b', 'c');
    const leases = ['a', 'b', 'c'].map((name) => bench.lease(name));
    bench.post({ kind: 'workerLeft', workerId: workerIdOf('a') });
    const [leaseId] = leases.flatMap((lease) => (lease?.unit === 1 ? [lease.leaseId] : []));
    if (leaseId !== undefined)
      bench.post({ kind: 'leasesReleased', workerId: workerIdOf('b'), leaseIds: [leaseId] });
    bench.nowMs += limits.leaseTimeoutMsFirst;
    alive(bench, 'b');
    bench.post({ kind: 'tick' });
    expect(bench.run.round?.pool.freeCount).toBe(3);
    expect(bench.take('disconnect').map(({ workerId }) => workerId)).toEqual([workerIdOf('c')]);
  });

  it('last as long as units do, and longer for a worker that is known to be slow', () => {
    const bench = benchWith(40, 'a', 'slow');
    expect(bench.lease('slow')?.deadlineMs).toBe(limits.leaseTimeoutMsFirst);
    learnUnitTime(bench, 'a', 10_000, 10);
    expect(bench.lease('a')?.deadlineMs).toBe(40_000);
    bench.nowMs += limits.leaseTimeoutMsFirst - 100_000;
    alive(bench, 'a', 'slow');
    bench.post({ kind: 'tick' });
    expect(bench.state.workers.get(workerIdOf('slow'))?.pace).toBe(2);
    expect(bench.lease('slow')?.deadlineMs).toBe(80_000);
  });

  it('answer a poll that ends with the reason', () => {
    const bench = benchWith(1, 'a', 'b');
    bench.lease('a');
    bench.lease('b', 1_000);
    bench.nowMs += 1_000;
    bench.post({ kind: 'tick' });
    expect(bench.take('answerLease')).toMatchObject([
      { reason: expect.stringContaining('computed by others') },
    ]);
    bench.commit({
      kind: 'jobStateChanged',
      jobId: asJobId('digits'),
      state: 'cancelled',
      reason: '',
      atMs: 0,
    });
    bench.post({ kind: 'leaseRequested', call: bench.call(), workerId: workerIdOf('b'), pollMs: 0 });
    expect(bench.take('answerLease')).toMatchObject([{ reason: 'No job is running.' }]);
  });

  it('give anonymous workers only what the job allows them', () => {
    const bench = benchWith(4);
    bench.register('x', { role: 'anonymous' });
    expect(bench.lease('x', 0)).toBeUndefined();
    bench.commit(submission({ evaluation, allowAnonymous: true }, 'open'));
    bench.settle();
    expect(bench.lease('x')?.jobId).toBe('open');
    const ask = {
      kind: 'leaseRequested',
      workerId: workerIdOf('x'),
      jobId: asJobId('digits'),
      pollMs: 0,
    } as const;
    expect(bench.post({ ...ask, call: bench.call() })).toMatchObject([{ kind: 'refuse', code: 'forbidden' }]);
  });

  it('share the workers between jobs by samples', () => {
    const bench = benchWith(512, 'a');
    bench.commit(submission({ evaluation, unitsPerRound: 512, batchSize: 24 }, 'big'));
    bench.settle();
    const samples = new Map<string, number>();
    for (let unit = 0; unit < 400; unit++) {
      const lease = bench.lease('a');
      if (lease === undefined) throw new Error('Expected a lease.');
      samples.set(lease.jobId, (samples.get(lease.jobId) ?? 0) + lease.sampleCount);
      bench.finish('a', lease);
      bench.settle();
    }
    const [digits, big] = [samples.get('digits') ?? 0, samples.get('big') ?? 0];
    expect(Math.abs(digits - big)).toBeLessThanOrEqual(24);
  });
});

describe('hedges', () => {
  it('copy a late unit for a worker that idles; the first valid result wins', () => {
    const bench = benchWith(2, 'a', 'slow');
    learnUnitTime(bench, 'a', 1_000, 4);
    const late = bench.lease('slow');
    const other = bench.lease('a');
    if (late === undefined || other === undefined) throw new Error('Expected two leases.');
    bench.nowMs += 1_000;
    bench.finish('a', other);
    bench.settle();
    expect(bench.lease('a')).toBeUndefined();
    bench.nowMs += 1_000;
    alive(bench, 'a', 'slow');
    bench.post({ kind: 'tick' });
    const [copy] = bench.take('answerLease').map(({ lease }) => lease);
    expect(copy?.unit).toBe(late.unit);
    if (copy !== undefined) bench.finish('a', copy);
    bench.take('refuse');
    bench.finish('slow', late);
    expect(bench.take('refuse').map(({ code }) => code)).toEqual(['duplicate']);
    expect(bench.state.workers.get(workerIdOf('slow'))?.faults).toBe(0);
    expect([...bench.state.runs.values()]).toMatchObject([{ overtaken: 1, refused: 0 }]);
    bench.settle();
    expect(bench.job.version).toBe(3);
  });

  it('copy the units of a worker that falls silent: its thread may be blocked, or it may be gone', () => {
    const bench = benchWith(1, 'a', 'b');
    const silent = bench.lease('a');
    bench.lease('b');
    bench.nowMs += limits.workerTimeoutMs;
    alive(bench, 'b');
    bench.post({ kind: 'tick' });
    expect(bench.take('answerLease').map(({ lease }) => lease?.unit)).toEqual([0]);
    if (silent !== undefined) bench.finish('a', silent);
    bench.settle();
    expect(bench.job.version).toBe(1);
  });

  it('are not made while every unit is in time, nor more than one for a unit', () => {
    const bench = benchWith(1, 'a', 'b', 'c');
    learnUnitTime(bench, 'a', 1_000, 4);
    bench.lease('a');
    expect(bench.lease('b')).toBeUndefined();
    bench.nowMs += 1_600;
    expect(bench.lease('c')).toBeUndefined();
    expect(bench.take('answerLease')).toEqual([]);
    expect(bench.state.leases.size).toBe(2);
  });
});
