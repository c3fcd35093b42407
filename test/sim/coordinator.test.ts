import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../shared/base/errors.ts';
import { createRandom } from '../../shared/base/random.ts';
import { jobShapes, submission } from './jobs.ts';
import type { WorkerNature } from './sim-worker.ts';
import { Simulation, type SimulationOptions, type Story } from './simulation.ts';

const seedCount = 200;
const clusterSeedCount = 120;
const replayed = process.env['GRADSWARM_SIM_SEED'];
const seedsUpTo = (count: number): readonly number[] =>
  replayed === undefined ? [...Array(count).keys()] : [Number(replayed)];
const seeds = seedsUpTo(seedCount);
const clusterSeeds = seedsUpTo(clusterSeedCount);

/** Every refusal that the worlds together must provoke, or they are not troubled enough. */
const troubles: readonly ErrorCode[] = [
  'badRequest',
  'cancelled',
  'conflict',
  'connectionLost',
  'duplicate',
  'jobNotRunning',
  'leaseExpired',
  'normTooLarge',
  'notFinite',
  'notRegistered',
  'quarantined',
  'rateLimited',
  'staleEpoch',
  'unavailable',
  'unknownLease',
  'wrongCodec',
  'wrongLength',
  'wrongManifest',
  'wrongRound',
  'wrongVersion',
];

const steady: WorkerNature = { unitMs: 150, lieProbability: 0, vanishProbability: 0 };

function shapeOf(index: number) {
  const shape = jobShapes[index % jobShapes.length];
  if (shape === undefined) throw new RangeError('there is a shape');
  return shape;
}

/** One or two jobs, sometimes twins that make the same blobs; a few workers of every kind, at least one honest. */
function optionsOf(seed: number, size: number): SimulationOptions {
  const random = createRandom(seed).fork('options');
  const first = random.below(jobShapes.length);
  const second = random.below(2) === 0 ? first : random.below(jobShapes.length);
  const shapes = random.below(2) === 0 ? [first] : [first, second];
  const others = Array.from(
    { length: random.below(6) },
    (): WorkerNature => ({
      unitMs: [10, 40, 200, 3_000, 9_000][random.below(5)] ?? 40,
      lieProbability: [0, 0, 0.2, 1][random.below(4)] ?? 0,
      vanishProbability: [0, 0.05, 0.3][random.below(3)] ?? 0,
    }),
  );
  const jobs = shapes.map((shape, index) => submission(`job${index}`, shapeOf(shape)));
  return { seed, jobs, workers: [steady, ...others], size, isTroubled: true };
}

const calm = new Map<string, Story>();

/** The same job with one honest worker and nothing going wrong. */
function undisturbed({ jobs }: SimulationOptions): readonly Story[] {
  return jobs.map((job) => {
    const { name, title: _, ...rest } = job.document;
    const key = JSON.stringify(rest);
    const known = calm.get(key);
    if (known !== undefined) return known;
    const [story] = new Simulation({
      seed: 0,
      jobs: [job],
      workers: [steady],
      size: 1,
      isTroubled: false,
    }).run();
    if (story === undefined) throw new RangeError(`${name} has a story`);
    calm.set(key, story);
    return story;
  });
}

/** Runs every seed; returns what the worlds together provoked. */
function runAll(size: number, seeds: readonly number[], keep: (simulation: Simulation) => void): void {
  for (const seed of seeds) {
    const options = optionsOf(seed, size);
    try {
      const simulation = new Simulation(options);
      expect(simulation.run()).toEqual(undisturbed(options));
      keep(simulation);
    } catch (error) {
      const replay = `GRADSWARM_SIM_SEED=${seed} npx vitest run --project unit test/sim/coordinator.test.ts`;
      throw new Error(`Seed ${seed} of ${size} fails; replay it with: ${replay}`, { cause: error });
    }
  }
}

describe('the coordinator in a world that goes wrong', () => {
  it(`keeps every promise and ends with the bits of an undisturbed run, for ${seeds.length} seeds`, () => {
    const codes = new Set<ErrorCode>();
    runAll(1, seeds, (simulation) => {
      for (const code of simulation.refusals()) codes.add(code);
    });
    if (replayed === undefined) expect(troubles.filter((code) => !codes.has(code))).toEqual([]);
  });

  it('repeats itself exactly', () => {
    for (const size of [1, 3]) {
      const options = optionsOf(seeds[0] ?? 0, size);
      const [first, second] = [new Simulation(options), new Simulation(options)];
      expect(first.run()).toEqual(second.run());
      expect(first.trace).toBe(second.trace);
    }
  });
});

describe('three coordinators of which any may lead', () => {
  it(`train to the same bits through the loss of any one, for ${clusterSeeds.length} seeds`, () => {
    const counts = { followed: 0, hotStarts: 0, snapshots: 0, opened: 0 };
    runAll(3, clusterSeeds, (simulation) => {
      for (const what of ['followed', 'hotStarts', 'snapshots', 'opened'] as const) {
        counts[what] += simulation.count(what);
      }
    });
    if (replayed === undefined) expect(Math.min(...Object.values(counts))).toBeGreaterThan(50);
  });
});
