import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../shared/base/errors.ts';
import { calmRun } from './calm-run.ts';
import { submission } from './jobs.ts';
import { ringLies } from './ring-lies.ts';
import type { WorkerNature } from './sim-worker.ts';
import { Simulation, type SimulationOptions } from './simulation.ts';
import { type Fault, faults, natured, troubledNetwork } from './worker-faults.ts';

const shape = { units: 6, rounds: 12, optimizer: 'adamw' } as const;

/** The last sends its updates as ever. */
const workers: readonly WorkerNature[] = [150, 60, 200, 90, 400].map((unitMs, index) => ({
  unitMs,
  lieProbability: 0,
  vanishProbability: 0,
  isRingMember: index < 4,
}));

const ringFaults: { readonly [Name: string]: Fault } = Object.fromEntries(
  Object.entries(ringLies).map(([name, ringLie]) => [name, natured({ ringLieProbability: 0.5, ringLie })]),
);

const everyFault: { readonly [Name: string]: Fault } = {
  ...faults,
  ...ringFaults,
  'the network loses, repeats and delays': troubledNetwork,
};

const refusals = new Set<ErrorCode>();
const counts = { ringSums: 0, ringFailures: 0 };

function simulate(options: Omit<SimulationOptions, 'jobs' | 'workers'>): Simulation {
  const jobs = [submission('job', shape, { kind: 'ringAllReduce' })];
  return new Simulation({ ...options, jobs, workers });
}

const calm = calmRun(submission('job', shape), workers);

describe('rounds in a ring', () => {
  // The checks of every event are in the simulation: a unit is in one place and counts once, and the job ends.
  it.each(Object.entries(everyFault))('have the bits of a parameter server while %s', (_, fault) => {
    for (const [size, seed] of [
      [1, 1],
      [3, 2],
    ] as const) {
      const simulation = simulate({ seed, size, isTroubled: true, fault });
      expect(simulation.run()).toEqual(calm);
      for (const code of simulation.refusals()) refusals.add(code);
      for (const what of ['ringSums', 'ringFailures'] as const) counts[what] += simulation.count(what);
    }
  });

  it('are all summed among the workers where nothing goes wrong', () => {
    const simulation = simulate({ seed: 3, size: 1, isTroubled: false });
    expect(simulation.run()).toEqual(calm);
    expect(simulation.count('ringSums')).toBe(shape.rounds);
    expect(simulation.count('ringFailures')).toBe(0);
  });

  it('repeat themselves exactly', () => {
    const [first, second] = [1, 2].map(() =>
      simulate({ seed: 4, size: 3, isTroubled: true, fault: troubledNetwork }),
    );
    expect(first?.run()).toEqual(second?.run());
    expect(first?.trace).toBe(second?.trace);
  });

  it('have met what the faults are made of', () => {
    const troubles: readonly ErrorCode[] = ['hashMismatch', 'staleRing', 'notFinite', 'normTooLarge'];
    expect([...refusals]).toEqual(expect.arrayContaining([...troubles, 'wrongLength', 'cancelled']));
    expect(counts.ringSums).toBeGreaterThan(100);
    expect(counts.ringFailures).toBeGreaterThan(50);
  });
});
