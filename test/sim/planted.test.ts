import { afterAll, describe, expect, it } from 'vitest';
import type { step } from '../../server/core/coordinator.ts';
import type { StrategySpec } from '../../shared/sync/strategy-spec.ts';
import { calmRun } from './calm-run.ts';
import { edgeFaults } from './edge-faults.ts';
import { submission } from './jobs.ts';
import { type PlantedRoundBug, plantedRoundBugs } from './planted-bugs.ts';
import { loadStep } from './planted-step.ts';
import { removeCopies } from './raft/planted-core.ts';
import { ringLies } from './ring-lies.ts';
import type { WorkerNature } from './sim-worker.ts';
import { Simulation, type SimulationOptions, type Story } from './simulation.ts';
import { type Fault, faults, natured } from './worker-faults.ts';

const seedsMax = 60;

/** What breaks the copy rather than a promise says nothing about the worlds. */
const brokenCopy = /is not defined|is not a function|Cannot read/;

const shape = { units: 6, rounds: 12, optimizer: 'adamw' } as const;
const workers: readonly WorkerNature[] = [150, 60, 200, 90, 120].map((unitMs) => ({
  unitMs,
  lieProbability: 0,
  vanishProbability: 0,
  isRingMember: true,
  uplinkBytesPerSecond: 500,
}));
const whole = { kind: 'parameterServerSynchronous' } as const;
const quorum = { ...whole, quorum: 0.6 };
const asynchronous = { kind: 'parameterServerAsynchronous', buffer: 4, stalenessMax: 2 } as const;

interface World {
  readonly strategy: StrategySpec;
  readonly faults: readonly Fault[];
  readonly more?: Partial<SimulationOptions>;
}

const worlds: { readonly [Name in PlantedRoundBug['world']]: World } = {
  ring: {
    strategy: { kind: 'ringAllReduce' },
    faults: [
      ...Object.values(faults),
      ...Object.values(ringLies).map((ringLie) => natured({ ringLieProbability: 0.5, ringLie })),
    ],
  },
  edge: { strategy: whole, faults: Object.values({ ...faults, ...edgeFaults }), more: { hasEdge: true } },
  asynchronous: { strategy: asynchronous, faults: [natured({ lieProbability: 0.4 })] },
  quorum: { strategy: quorum, faults: Object.values(edgeFaults).slice(0, 4) },
};

const calm = calmRun(submission('job', shape), workers);

/** How many worlds it takes until one breaks a promise; 0 when none does. */
function hunt(name: PlantedRoundBug['world'], planted?: typeof step): { seeds: number; message: string } {
  const { strategy, faults: all, more = {} } = worlds[name];
  for (let seed = 0; seed < seedsMax; seed++) {
    const fault = all[seed % all.length];
    if (fault === undefined) throw new RangeError('there are faults');
    const jobs = [submission('job', shape, strategy)];
    const core = planted === undefined ? {} : { step: planted };
    const options = { seed, jobs, workers, size: 3, isTroubled: true, fault, ...more, ...core };
    try {
      const stories: readonly Story[] = new Simulation(options).run();
      if (name === 'ring' || name === 'edge') expect(stories).toEqual(calm);
    } catch (error) {
      return { seeds: seed + 1, message: String(error) };
    }
  }
  return { seeds: 0, message: `nothing in ${seedsMax} worlds` };
}

describe('a bug in what rounds count', () => {
  const rows: string[] = [];

  afterAll(() => {
    removeCopies();
    process.stdout.write(`seeds to catch\n${rows.join('\n')}\n`);
  });

  it.each(plantedRoundBugs)('is caught: $name', async (bug) => {
    const { seeds, message } = hunt(bug.world, await loadStep(bug));
    rows.push(`${String(seeds).padStart(6)}  ${bug.name}: ${message.slice(0, 100)}`);
    expect(message).not.toMatch(brokenCopy);
    expect(seeds, message).toBeGreaterThan(0);
  });
});
