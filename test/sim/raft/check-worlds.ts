import { expect, it } from 'vitest';
import { createRaft } from '../../../server/raft/create-raft.ts';
import { SessionTable } from '../../../server/raft/session-table.ts';
import { runSeed } from './run-seed.ts';
import { Sightings } from './sightings.ts';

const minutes = 10;
const seedsPerTest = 25;
const core = { createRaft, SessionTable };

/** Declares the tests of the worlds `from` to `from + count - 1`. */
export function checkWorlds(from: number, count: number): void {
  const total = new Sightings();

  for (let first = from; first < from + count; first += seedsPerTest) {
    const seeds = Array.from({ length: Math.min(seedsPerTest, from + count - first) }, (_, at) => first + at);
    it(`keeps every promise and converges, for seeds ${first} to ${seeds.at(-1)}`, () => {
      const failures = seeds.flatMap((seed) => {
        const { failure, sightings } = runSeed(core, seed, minutes);
        total.add(sightings);
        if (failure === undefined) return [];
        return [`${failure.message} (npm run test:sim -- --seeds 1 --minutes ${minutes} --from ${seed})`];
      });
      expect(failures).toEqual([]);
    });
  }

  it('has met everything that these worlds are for', () => {
    expect(total.unseen()).toEqual([]);
  });
}
