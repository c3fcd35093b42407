import { describe, expect, it } from 'vitest';
import { limits } from '../../../../shared/base/limits.ts';
import type { RoundStrategySpec } from '../../../../shared/sync/strategy-spec.ts';
import { BenchCoordinator } from './bench-coordinator.ts';
import { document } from './fixtures.ts';

const rules = { evaluation: { ...document.evaluation, samplesMax: 0 }, stop: { rounds: 50 } };
const spec = { kind: 'parameterServerAsynchronous', buffer: 2, stalenessMax: 1 } as const;

function benchWith(strategy: RoundStrategySpec, ...workers: string[]): BenchCoordinator {
  const bench = BenchCoordinator.withJob({ ...rules, strategy });
  for (const name of workers) bench.register(name);
  bench.effects = [];
  return bench;
}

function leaseOf(bench: BenchCoordinator, name: string) {
  const lease = bench.lease(name);
  if (lease === undefined) throw new Error(`${name} gets a unit`);
  return lease;
}

function finishThree(bench: BenchCoordinator): void {
  for (let unit = 0; unit < 3; unit++) {
    const lease = leaseOf(bench, 'a');
    bench.nowMs += unit < 2 ? 10 : 0;
    bench.finish('a', lease);
    bench.settle();
  }
}

/** The newest commit of a round. */
function newestRound(bench: BenchCoordinator) {
  return bench.take('propose').findLast(({ command }) => command.kind === 'roundCommitted')?.command;
}

describe('an asynchronous round', () => {
  it('closes after its buffer, whoever sent, and hands out units without end', () => {
    const bench = benchWith(spec, 'a');
    const given = Array.from({ length: 6 }, () => {
      const lease = leaseOf(bench, 'a');
      bench.finish('a', lease);
      bench.settle();
      return [lease.round, lease.unit, lease.sampleStart];
    });
    const { batchSize } = document;
    expect(given.map(([round, unit]) => [round, unit])).toEqual([
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
      [2, 0],
      [2, 1],
    ]);
    // No sample is taken twice.
    expect(given.map(([, , start]) => start)).toEqual([0, 1, 2, 3, 4, 5].map((unit) => unit * batchSize));
    expect(bench.job).toMatchObject({ version: 3, unitsCounted: 6, samplesCounted: 6 * batchSize });
  });

  it('counts a late unit in the round that is open, with less weight, and tells how many there were', () => {
    const bench = benchWith(spec, 'a', 'b');
    const late = leaseOf(bench, 'b');
    for (const _ of [1, 2]) bench.finish('a', leaseOf(bench, 'a'));
    bench.settle();
    expect(bench.job.version).toBe(1);
    bench.take('reduce');
    bench.finish('b', late);
    expect(bench.take('reduce')).toMatchObject([{ round: 1, unit: limits.unitsOpenMax, weight: 6 }]);
    bench.post({
      kind: 'contributionReduced',
      jobId: late.jobId,
      round: 1,
      unit: limits.unitsOpenMax,
      leaseId: late.leaseId,
      outcome: { accepted: true, norm: 1 },
    });
    bench.finish('a', leaseOf(bench, 'a'));
    bench.settle((effect) => effect.kind === 'propose');
    const { batchSize } = document;
    expect(newestRound(bench)).toMatchObject({ round: 1, units: 2, staleUnits: 1, samples: 2 * batchSize });
  });

  it('refuses what is too stale, and its lease with it', () => {
    const bench = benchWith(spec, 'a', 'b');
    const late = leaseOf(bench, 'b');
    for (let unit = 0; unit < 4; unit++) {
      bench.finish('a', leaseOf(bench, 'a'));
      bench.settle();
    }
    expect(bench.job.version).toBe(2);
    expect(late.mayUseNewer).toBe(true);
    const again = { ...bench.contribution('b', late), version: 2 };
    bench.effects = [];
    bench.finish('b', late);
    expect(bench.take('refuse')).toMatchObject([{ code: 'tooStale' }]);
    // The lease went with it.
    bench.post(again);
    expect(bench.take('refuse')).toMatchObject([{ code: 'unknownLease' }]);
    expect(bench.run.overtaken).toBe(1);
  });

  it('refuses a unit that is named as of another round than its lease', () => {
    const bench = benchWith(spec, 'a', 'b');
    const late = leaseOf(bench, 'b');
    for (const _ of [1, 2]) {
      bench.finish('a', leaseOf(bench, 'a'));
      bench.settle();
    }
    const other = leaseOf(bench, 'a');
    expect([other.round, other.unit]).toEqual([late.round + 1, late.unit]);
    bench.post(bench.contribution('b', late, { round: other.round, version: other.version }));
    expect(bench.take('refuse')).toMatchObject([{ code: 'unknownLease' }]);
    bench.finish('a', other);
    bench.settle();
    expect(bench.run.round?.counted).toHaveLength(1);
  });

  it('counts a unit of an earlier round that was computed from the newest parameters as fresh', () => {
    const bench = benchWith(spec, 'a', 'b');
    const late = leaseOf(bench, 'b');
    for (let unit = 0; unit < 4; unit++) {
      bench.finish('a', leaseOf(bench, 'a'));
      bench.settle();
    }
    bench.take('reduce');
    bench.post(bench.contribution('b', late, { version: 2 }));
    expect(bench.take('reduce')).toMatchObject([{ round: 2, unit: 2 * limits.unitsOpenMax, weight: 8 }]);
  });

  it('keeps what comes while a round is stored for the next one, and counts it once', () => {
    const bench = benchWith(spec, 'a', 'b');
    const [one, two, three] = [leaseOf(bench, 'a'), leaseOf(bench, 'a'), leaseOf(bench, 'b')];
    for (const lease of [one, two]) bench.finish('a', lease);
    const isHeld = (effect: { kind: string }) => effect.kind === 'storeRound';
    bench.settle(isHeld);
    bench.take('answerAccepted');
    const call = bench.finish('b', three);
    expect(call.filter(({ kind }) => kind === 'reduce' || kind === 'refuse')).toEqual([]);
    expect(bench.run.parked).toHaveLength(1);
    // Again, while it waits.
    bench.finish('b', three);
    expect(bench.take('refuse')).toMatchObject([{ code: 'duplicate' }]);
    bench.settle();
    expect(bench.take('answerAccepted')).toHaveLength(1);
    expect(bench.run.round).toMatchObject({ round: 1, counted: [{ staleness: 1 }] });
    bench.finish('b', three);
    expect(bench.take('refuse')).toMatchObject([{ code: 'duplicate' }]);
  });

  it('frees the unit of a caller that gave up while it waited', () => {
    const bench = benchWith(spec, 'a', 'b');
    const leases = [leaseOf(bench, 'a'), leaseOf(bench, 'a'), leaseOf(bench, 'b')];
    for (const lease of leases.slice(0, 2)) bench.finish('a', lease);
    const waiting = bench.contribution('b', leases[2] as never);
    bench.post(waiting);
    bench.take('refuse');
    bench.post({ kind: 'callAbandoned', call: waiting.call });
    expect(bench.take('refuse')).toMatchObject([{ call: waiting.call, code: 'cancelled' }]);
    expect(bench.run.parked).toEqual([]);
    expect(bench.run.round?.pool.statusOf(2)).toBe('free');
  });

  it('loses its buffer with the leadership, and its units are computed anew', () => {
    const bench = benchWith(spec, 'a');
    const lease = leaseOf(bench, 'a');
    bench.finish('a', lease);
    bench.settle();
    bench.post({ kind: 'lostLeadership' });
    bench.epoch = 6;
    bench.post({ kind: 'becameLeader', epoch: 6 });
    bench.settle();
    bench.register('a');
    bench.take('refuse');
    bench.finish('a', lease);
    expect(bench.take('refuse')).toMatchObject([{ code: 'staleEpoch' }]);
    expect(leaseOf(bench, 'a')).toMatchObject({ round: 0, unit: 0, epoch: 6 });
    expect(bench.job.unitsCounted).toBe(0);
  });
});

describe('a synchronous round with a quorum', () => {
  const quorum = { kind: 'parameterServerSynchronous', quorum: 0.75 } as const;

  it('closes late without the last unit, whose worker is told', () => {
    const bench = benchWith(quorum, 'a', 'b');
    const slow = leaseOf(bench, 'b');
    finishThree(bench);
    bench.post({ kind: 'tick' });
    expect(bench.job.version).toBe(0);
    bench.nowMs += 1_000;
    bench.post({ kind: 'tick' });
    bench.settle((effect) => effect.kind === 'propose');
    const { batchSize } = document;
    const command = newestRound(bench);
    expect(command).toMatchObject({ units: 3, samples: 3 * batchSize, samplesTaken: 4 * batchSize });
    bench.finish('b', slow);
    expect(bench.take('refuse')).toMatchObject([{ code: 'wrongRound' }]);
    if (command !== undefined) bench.commit(command);
    expect(bench.job).toMatchObject({ samplePosition: 4 * batchSize, samplesCounted: 3 * batchSize });
  });

  it('waits for all where there is none', () => {
    const bench = benchWith({ kind: 'parameterServerSynchronous' }, 'a', 'b');
    leaseOf(bench, 'b');
    finishThree(bench);
    bench.nowMs += 4_000;
    bench.post({ kind: 'tick' });
    bench.settle();
    expect(bench.job.version).toBe(0);
  });

  it('weighs by what the workers have shown where the job asks for it', () => {
    const bench = benchWith({ ...quorum, weighting: 'measured' }, 'a', 'b');
    bench.take('reduce');
    bench.finish('a', leaseOf(bench, 'a'));
    bench.settle();
    bench.finish('a', leaseOf(bench, 'a'));
    expect(bench.take('reduce')).toMatchObject([{ weight: 5 }]);
  });
});

describe('a change of strategy', () => {
  const change = (strategy: RoundStrategySpec) =>
    ({
      kind: 'strategyChanged',
      jobId: BenchCoordinator.withJob().job.jobId,
      plan: { strategy },
      by: 'admin',
      reason: 'to see',
      atMs: 7,
    }) as const;

  it('runs the next round, while the open one goes on as it began', () => {
    const bench = benchWith({ kind: 'parameterServerSynchronous' }, 'a');
    bench.finish('a', leaseOf(bench, 'a'));
    bench.settle();
    bench.commit(change(spec));
    expect(bench.job.planChanges).toEqual([
      { round: 0, plan: { strategy: spec }, by: 'admin', reason: 'to see', atMs: 7 },
    ]);
    expect(bench.run.round?.strategy.kind).toBe('parameterServerSynchronous');
    for (let unit = 1; unit < 4; unit++) {
      bench.finish('a', leaseOf(bench, 'a'));
      bench.settle();
    }
    expect(bench.job).toMatchObject({ version: 1, unitsCounted: 4 });
    expect(bench.run.round?.strategy.kind).toBe('parameterServerAsynchronous');
  });

  it('to one with a barrier ends what is under way of earlier rounds', () => {
    const bench = benchWith(spec, 'a', 'b');
    const late = leaseOf(bench, 'b');
    bench.commit(change({ kind: 'parameterServerSynchronous' }));
    for (const _ of [1, 2]) bench.finish('a', leaseOf(bench, 'a'));
    bench.settle();
    expect(bench.job.version).toBe(1);
    bench.take('refuse');
    bench.finish('b', late);
    expect(bench.take('refuse')).toMatchObject([{ code: 'wrongRound' }]);
    expect(bench.state.leases.size).toBe(0);
  });

  it('is refused for a job that has ended, and names the newest changes only', () => {
    const bench = benchWith(spec, 'a');
    for (let count = 0; count < limits.strategyChangesMax + 3; count++) bench.commit(change(spec));
    expect(bench.job.planChanges).toHaveLength(limits.strategyChangesMax);
    const { jobId } = bench.job;
    bench.commit({ kind: 'jobStateChanged', jobId, state: 'cancelled', reason: '', atMs: 0 });
    bench.commit(change({ kind: 'parameterServerSynchronous' }), 99);
    expect(bench.take('refuse')).toMatchObject([{ call: 99, code: 'conflict' }]);
    expect(bench.job.plan.strategy).toEqual(spec);
  });
});
