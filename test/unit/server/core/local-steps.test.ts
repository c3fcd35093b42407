import { describe, expect, it } from 'vitest';
import { limits } from '../../../../shared/base/limits.ts';
import { BenchCoordinator } from './bench-coordinator.ts';

const localSteps = { steps: 5, optimizer: { kind: 'sgd', learningRate: 0.1 } } as const;

function benchWith(evaluated = 0): BenchCoordinator {
  const evaluation = { everyRounds: 1, samplesMax: evaluated, batchSize: 4 };
  const bench = BenchCoordinator.withJob({ localSteps, evaluation, unitsPerRound: 2, stop: { rounds: 9 } });
  bench.register('a');
  return bench;
}

describe('units of local steps', () => {
  it('lie end to end in the stream of samples, a batch for every step', () => {
    const bench = benchWith();
    const spans = [0, 1, 2, 3].map(() => {
      const lease = bench.lease('a');
      if (lease === undefined) throw new Error('Expected a lease.');
      bench.finish('a', lease);
      bench.settle();
      return [lease.round, lease.sampleStart, lease.sampleCount];
    });
    expect(spans).toEqual([
      [0, 0, 40],
      [0, 40, 40],
      [1, 80, 40],
      [1, 120, 40],
    ]);
    expect(bench.job.samplePosition).toBe(160);
    expect(bench.job.pace.at(-1)?.samples).toBe(160);
  });

  it('have no part in evaluations, whose units are batches', () => {
    const bench = benchWith(10);
    expect(bench.lease('a')).toMatchObject({ kind: 'evaluate', sampleStart: 0, sampleCount: 4 });
  });

  it('have the time of so many gradients, as long as nobody knows what a unit takes', () => {
    const lease = benchWith().lease('a');
    expect(lease?.deadlineMs).toBe(Math.min(5 * limits.leaseTimeoutMsFirst, limits.leaseTimeoutMsMax));
  });
});
