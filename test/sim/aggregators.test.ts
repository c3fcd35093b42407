import { expect, it } from 'vitest';
import type { AggregatorSpec } from '../../shared/sync/aggregators/aggregator-spec.ts';
import { calmRun } from './calm-run.ts';
import { submission } from './jobs.ts';
import type { WorkerNature } from './sim-worker.ts';
import { Simulation } from './simulation.ts';
import { faults } from './worker-faults.ts';

const aggregators: readonly AggregatorSpec[] = [
  { kind: 'mean' },
  { kind: 'median' },
  { kind: 'multiKrum', faulty: 1 },
  { kind: 'trimmedMean', trim: 1, before: { kind: 'bucketing', size: 2 } },
];

const workers: readonly WorkerNature[] = [150, 60, 200, 900].map((unitMs) => ({
  unitMs,
  lieProbability: 0,
  vanishProbability: 0,
}));

function jobUnder(aggregator: AggregatorSpec) {
  const job = submission('job', { units: 6, rounds: 12, optimizer: 'adamw' });
  return { ...job, document: { ...job.document, aggregator } };
}

const stories = aggregators.map((aggregator) => calmRun(jobUnder(aggregator), workers));

it('each aggregator makes a model of its own', () => {
  expect(new Set(stories.map((story) => JSON.stringify(story))).size).toBe(aggregators.length);
});

// Workers, orders of arrival and leaders differ; what is committed is replayed by the others and at every restart.
it.each(aggregators)('$kind gives the bits of a calm run, whatever happens', (aggregator) => {
  const calm = stories[aggregators.indexOf(aggregator)];
  for (const [index, fault] of Object.values(faults).entries()) {
    const size = index % 2 === 0 ? 1 : 3;
    const options = { seed: index + 1, jobs: [jobUnder(aggregator)], workers, size, isTroubled: true, fault };
    expect(new Simulation(options).run()).toEqual(calm);
  }
});
