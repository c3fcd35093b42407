import { describe, expect, it } from 'vitest';
import { type PlanChange, planText } from '../../shared/sync/round-plan.ts';
import type { AdaptiveSpec, RoundStrategySpec } from '../../shared/sync/strategy-spec.ts';
import { type JobShape, submission } from './jobs.ts';
import type { WorkerNature } from './sim-worker.ts';
import { Simulation, type SimulationOptions } from './simulation.ts';
import { type Fault, faults, natured } from './worker-faults.ts';

const whole: RoundStrategySpec = { kind: 'parameterServerSynchronous' };
const quorum: RoundStrategySpec = { ...whole, quorum: 0.6 };
const asynchronous: RoundStrategySpec = { kind: 'parameterServerAsynchronous', buffer: 4, stalenessMax: 2 };
const ring: RoundStrategySpec = { kind: 'ringAllReduce' };

const holdRounds = 12;
const everyRounds = 4;

/** What the policy may choose among. */
const choices: { readonly [Name: string]: readonly RoundStrategySpec[] } = {
  'all strategies': [whole, quorum, asynchronous, ring],
  'strategies with a barrier': [ring, quorum, whole],
};

/** What changes for good while the job runs. */
const changes: { readonly [Name: string]: NonNullable<SimulationOptions['changes']> } = {
  'uplinks become slow': [{ atMs: 6_000, begin: everyone({ uplinkBytesPerSecond: 20 }) }],
  'uplinks come and go': [20, 2_000, 20, 2_000].map((uplinkBytesPerSecond, index) => ({
    atMs: 4_000 * (index + 1),
    begin: everyone({ uplinkBytesPerSecond }),
  })),
  'units become slow, and workers leave': [
    { atMs: 6_000, begin: everyone({ stepMs: 800 }) },
    { atMs: 6_000, begin: natured({ vanishProbability: 0.15 }) },
  ],
};

const shape: JobShape = {
  units: 6,
  rounds: 36,
  optimizer: 'sgd',
  localSteps: 2,
  codecs: [{ kind: 'float32' }, { kind: 'int8' }, { kind: 'sign' }],
};

const workers: readonly WorkerNature[] = [150, 60, 200, 120].map((stepMs) => ({
  unitMs: stepMs,
  stepMs,
  uplinkBytesPerSecond: 2_000,
  lieProbability: 0,
  vanishProbability: 0,
  isRingMember: true,
}));

function everyone(change: Partial<WorkerNature>): Fault {
  return ({ workers: all }) => {
    for (const worker of all) worker.nature = { ...worker.nature, ...change };
    return () => {};
  };
}

/** Returns what the job was run by, one after the other. */
function simulate(
  strategies: readonly RoundStrategySpec[],
  options: Omit<SimulationOptions, 'jobs' | 'workers'>,
): readonly PlanChange[] {
  const localSteps = { minimum: 1, maximum: 8 };
  const spec: AdaptiveSpec = { kind: 'adaptive', strategies, localSteps, everyRounds, holdRounds };
  const job = submission('job', shape, spec);
  const simulation = new Simulation({ ...options, jobs: [job], workers });
  simulation.run();
  return simulation.planChanges(job.jobId);
}

/** What was given up stays so for a while, and there are some rounds between two choices. */
function checkCalm(made: readonly PlanChange[]): void {
  for (const [index, { plan, round, by }] of made.entries()) {
    expect(by).toBe('adaptive');
    const [before, ...earlier] = made.slice(0, index).toReversed();
    if (before !== undefined) expect(round - before.round).toBeGreaterThanOrEqual(everyRounds);
    const isBack = [before, ...earlier].some(
      (former, at) =>
        former !== undefined &&
        planText(former.plan) === planText(plan) &&
        round - (made[index - at]?.round ?? 0) < holdRounds,
    );
    expect(isBack).toBe(false);
  }
  expect(made.length).toBeLessThanOrEqual(5);
}

describe.each(Object.entries(choices))('a policy that chooses among %s', (_, strategies) => {
  describe.each(Object.entries(changes))('while %s', (_, changesMidway) => {
    // The checks of the simulation hold across every change: a round is as the plan has it that it could open with, the
    // policy tells why, and the job ends.
    it.each(Object.entries(faults))('keeps every promise, and its calm, and %s', (name, fault) => {
      const size = Object.keys(faults).indexOf(name) % 2 === 0 ? 3 : 1;
      checkCalm(simulate(strategies, { seed: size, size, isTroubled: true, fault, changes: changesMidway }));
    });
  });
});

it('sees uplinks become slow, and tells so', () => {
  for (const strategies of Object.values(choices)) {
    const made = simulate(strategies, {
      seed: 7,
      size: 3,
      isTroubled: false,
      changes: changes['uplinks become slow'] ?? [],
    });
    const answer = made.find(({ reason }) => reason.includes('uplink 20 B/s'));
    expect(answer?.plan.codec, JSON.stringify(made)).toMatch(/^(int8|sign)$/);
    checkCalm(made);
  }
});

it('leaves alone what an admin takes out of its hands', () => {
  for (const [index, fault] of Object.values(faults).entries()) {
    const made = simulate([whole, quorum, asynchronous], {
      ...{ seed: index, size: 1 + 2 * (index % 2), isTroubled: true, fault },
      plans: [{ strategy: whole }],
    });
    const taken = made.findIndex(({ by }) => by === 'admin');
    expect(taken).toBeGreaterThanOrEqual(0);
    expect(made.slice(taken).every(({ by }) => by === 'admin')).toBe(true);
  }
});
