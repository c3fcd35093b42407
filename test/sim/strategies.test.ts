import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../shared/base/errors.ts';
import type { RoundPlan } from '../../shared/sync/round-plan.ts';
import type { RoundStrategySpec } from '../../shared/sync/strategy-spec.ts';
import { calmRun } from './calm-run.ts';
import { submission } from './jobs.ts';
import type { WorkerNature } from './sim-worker.ts';
import { Simulation, type SimulationOptions, type Story } from './simulation.ts';
import { faults } from './worker-faults.ts';

const whole: RoundStrategySpec = { kind: 'parameterServerSynchronous' };
const quorum: RoundStrategySpec = { kind: 'parameterServerSynchronous', quorum: 0.6 };
const asynchronous: RoundStrategySpec = { kind: 'parameterServerAsynchronous', buffer: 4, stalenessMax: 2 };
const ring: RoundStrategySpec = { kind: 'ringAllReduce' };

interface Case {
  readonly strategy: RoundStrategySpec;
  readonly plans?: readonly RoundPlan[];
}

const cases: { readonly [Name: string]: Case } = {
  'all units': { strategy: whole },
  'a quorum': { strategy: quorum },
  'a quorum of measured weights': { strategy: { ...quorum, weighting: 'measured' } },
  asynchronous: { strategy: asynchronous },
  'asynchronous of measured weights': { strategy: { ...asynchronous, weighting: 'measured' } },
  'one after the other': {
    strategy: whole,
    plans: [asynchronous, quorum, whole].map((strategy) => ({ strategy })),
  },
  'a ring, and others in between': {
    strategy: ring,
    plans: [asynchronous, ring, quorum, ring, whole, ring].map((strategy) => ({ strategy })),
  },
};

const shape = { units: 6, rounds: 16, optimizer: 'adamw' } as const;
const workers: readonly WorkerNature[] = [150, 60, 200, 900].map((unitMs) => ({
  unitMs,
  lieProbability: 0,
  vanishProbability: 0,
  isRingMember: true,
}));

function optionsOf(
  { strategy, plans = [] }: Case,
  fault: string,
  size: number,
  seed: number,
): SimulationOptions {
  const chosen = faults[fault];
  if (chosen === undefined) throw new RangeError(`${fault} is a fault`);
  const jobs = [submission('job', shape, strategy)];
  return { seed, jobs, workers, size, isTroubled: true, fault: chosen, plans };
}

const refusals = new Map<string, Set<ErrorCode>>();

function run(name: string, options: SimulationOptions): readonly Story[] {
  const simulation = new Simulation(options);
  const stories = simulation.run();
  const codes = refusals.get(name) ?? new Set();
  refusals.set(name, codes);
  for (const code of simulation.refusals()) codes.add(code);
  return stories;
}

const calm = calmRun(submission('job', shape, whole), workers);

describe.each(Object.entries(cases))('rounds of %s', (name, strategy) => {
  // The checks of every event and of the log are in the simulation: each unit counts once, no round has more or fewer than
  // its strategy allows, every replica holds the committed bits, nothing leaks, and the job ends.
  it.each(Object.keys(faults))('keep every promise while %s', (fault) => {
    for (const [size, seed] of [
      [1, 1],
      [3, 2],
    ] as const) {
      const stories = run(name, optionsOf(strategy, fault, size, seed));
      if (name === 'all units') expect(stories).toEqual(calm);
    }
  });
});

it('repeats itself exactly', () => {
  const [last] = Object.values(cases).slice(-1);
  if (last === undefined) throw new RangeError('there are strategies');
  const options = optionsOf(last, 'workers take back what they asked for', 3, 5);
  const [first, second] = [new Simulation(options), new Simulation(options)];
  expect(first.run()).toEqual(second.run());
  expect(first.trace).toBe(second.trace);
});

it('meets what the faults are made of', () => {
  const lies: readonly ErrorCode[] = [
    'notFinite',
    'normTooLarge',
    'wrongLength',
    'wrongManifest',
    'wrongCodec',
  ];
  for (const name of Object.keys(cases)) {
    const codes = refusals.get(name) ?? new Set();
    expect([...codes]).toEqual(expect.arrayContaining(['cancelled', 'duplicate']));
    expect(lies.filter((code) => codes.has(code)).length).toBeGreaterThan(1);
  }
  expect([...(refusals.get('asynchronous') ?? [])]).toContain('tooStale');
  expect([...(refusals.get('a quorum') ?? [])]).toContain('wrongRound');
});
