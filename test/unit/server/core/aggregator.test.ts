import { expect, it } from 'vitest';
import type { AggregatorSpec } from '../../../../shared/sync/aggregators/aggregator-spec.ts';
import { BenchCoordinator } from './bench-coordinator.ts';
import { document } from './fixtures.ts';

const rules = { evaluation: { ...document.evaluation, samplesMax: 0 }, stop: { rounds: 50 } };
const half = { kind: 'parameterServerSynchronous', quorum: 0.5 } as const;

/** A round of four units whose quorum is two, of which `b` never returns its own. */
function benchWith(aggregator: AggregatorSpec): BenchCoordinator {
  const bench = BenchCoordinator.withJob({ ...rules, strategy: half, unitsPerRound: 4, aggregator });
  for (const name of ['a', 'b']) bench.register(name);
  bench.lease('b');
  return bench;
}

function finish(bench: BenchCoordinator): void {
  const lease = bench.lease('a');
  if (lease === undefined) throw new Error('a gets a unit');
  bench.nowMs += 10;
  bench.finish('a', lease);
  bench.settle();
}

function late(bench: BenchCoordinator): void {
  bench.nowMs += 1_000;
  bench.post({ kind: 'tick' });
  bench.settle();
}

it.each([
  { aggregator: { kind: 'weightedMean' }, needed: 2 },
  { aggregator: { kind: 'median' }, needed: 2 },
  { aggregator: { kind: 'krum', faulty: 0 }, needed: 3 },
] as const)(
  'a late round with a quorum of two closes with $needed under $aggregator.kind',
  ({ aggregator, needed }) => {
    const bench = benchWith(aggregator);
    for (let unit = 1; unit < needed; unit++) {
      finish(bench);
      late(bench);
      expect(bench.job.version).toBe(0);
    }
    finish(bench);
    late(bench);
    expect(bench.job).toMatchObject({ version: 1, unitsCounted: needed });
  },
);

it.each([
  { aggregator: { kind: 'mean' }, weight: 1 },
  { aggregator: { kind: 'weightedMean' }, weight: 5 },
] as const)(
  '$aggregator.kind gives a new worker the weight $weight where the strategy measures',
  ({ aggregator, weight }) => {
    const strategy = { ...half, weighting: 'measured' } as const;
    const bench = BenchCoordinator.withJob({ ...rules, strategy, aggregator });
    bench.register('a');
    for (let unit = 0; unit < 2; unit++) {
      bench.effects = [];
      const lease = bench.lease('a');
      if (lease === undefined) throw new Error('a gets a unit');
      bench.finish('a', lease);
      if (unit === 0) bench.settle();
    }
    expect(bench.take('reduce')).toMatchObject([{ weight }]);
  },
);
