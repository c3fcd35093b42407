import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../shared/base/errors.ts';
import type { RoundStrategySpec } from '../../shared/sync/strategy-spec.ts';
import { calmRun } from './calm-run.ts';
import { edgeFaults } from './edge-faults.ts';
import { submission } from './jobs.ts';
import type { WorkerNature } from './sim-worker.ts';
import { Simulation, type SimulationOptions } from './simulation.ts';
import { faults, troubledNetwork } from './worker-faults.ts';

const whole: RoundStrategySpec = { kind: 'parameterServerSynchronous' };

const strategies: { readonly [Name: string]: RoundStrategySpec } = {
  'all units': whole,
  'a quorum': { ...whole, quorum: 0.6 },
  'an asynchronous buffer': { kind: 'parameterServerAsynchronous', buffer: 4, stalenessMax: 2 },
  'a ring beside it': { kind: 'ringAllReduce' },
};

const everyFault = {
  ...faults,
  ...edgeFaults,
  'the network loses, repeats and delays': troubledNetwork,
};

const shape = { units: 6, rounds: 12, optimizer: 'adamw' } as const;

const workers: readonly WorkerNature[] = [150, 60, 200, 90, 120, 400].map((unitMs) => ({
  unitMs,
  lieProbability: 0,
  vanishProbability: 0,
  isRingMember: true,
}));

const counts = { relays: 0, sums: 0, refusedSums: 0, missingSums: 0 };
const refusals = new Set<ErrorCode>();

/** Three coordinators, and two workers at each. */
function simulate(
  strategy: RoundStrategySpec,
  options: Omit<SimulationOptions, 'jobs' | 'workers' | 'size'>,
): Simulation {
  const jobs = [submission('job', shape, strategy)];
  return new Simulation({ ...options, jobs, workers, size: 3, hasEdge: true });
}

function count(simulation: Simulation): void {
  for (const { edge } of simulation.coordinators) {
    for (const what of ['relays', 'sums', 'refusedSums', 'missingSums'] as const)
      counts[what] += edge?.leader.counts[what] ?? 0;
  }
  for (const code of simulation.refusals()) refusals.add(code);
}

const calm = calmRun(submission('job', shape), workers);

describe.each(Object.entries(strategies))('rounds of which followers sum a part, of %s', (name, strategy) => {
  // The checks of every event are in the simulation. Where all units count, the bits are those of one coordinator.
  it.each(Object.entries(everyFault))('keep every promise while %s', (fault, begin) => {
    const seed = Object.keys(everyFault).indexOf(fault);
    const simulation = simulate(strategy, { seed, isTroubled: true, fault: begin });
    const stories = simulation.run();
    if (name === 'all units' || name === 'a ring beside it') expect(stories).toEqual(calm);
    count(simulation);
  });
});

it('a follower that damages every sum serves no workers any more, and the job ends', () => {
  let refused = 0;
  const simulation = simulate(whole, {
    seed: 3,
    isTroubled: false,
    changes: [
      {
        atMs: 100,
        begin: ({ coordinators }) => {
          for (const { edge, leads } of coordinators) {
            if (!leads && edge !== undefined) edge.follower.faults = { damagedProbability: 1 };
          }
          return () => {};
        },
      },
    ],
  });
  expect(simulation.run()).toEqual(calm);
  for (const { edge } of simulation.coordinators) refused += edge?.leader.counts.refusedSums ?? 0;
  expect(refused).toBeGreaterThan(2);
  expect([...simulation.refusals()]).toContain('unavailable');
});

it('repeats itself exactly', () => {
  const [first, second] = [1, 2].map(() => simulate(whole, { seed: 4, isTroubled: true }));
  expect(first?.run()).toEqual(second?.run());
  expect(first?.trace).toBe(second?.trace);
});

it('has met what the faults are made of', () => {
  expect(counts.relays).toBeGreaterThan(200);
  expect(counts.sums).toBeGreaterThan(400);
  expect(counts.refusedSums).toBeGreaterThan(5);
  expect(counts.missingSums).toBeGreaterThan(5);
  expect([...refusals]).toEqual(expect.arrayContaining(['duplicate', 'unavailable', 'connectionLost']));
});
