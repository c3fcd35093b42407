import { describe, expect, it } from 'vitest';
import { RandomCluster } from './support/random-cluster.ts';

const seeds = Array.from({ length: 12 }, (_, place) => place);

describe('random runs', () => {
  it.each(seeds)('keep one history, and converge, from seed %i', (block) => {
    for (let seed = block * 10; seed < block * 10 + 10; seed++) {
      const cluster = new RandomCluster(seed);
      for (let steps = 0; steps < 1_500; steps++) cluster.step();
      cluster.heal();
      const states = cluster.states();
      expect(states.length).toBeGreaterThan(0);
      expect(new Set(states).size).toBe(1);
    }
  });

  it('reach what they are about', () => {
    let [changes, installs, reads] = [0, 0, 0];
    for (let seed = 1_000; seed < 1_040; seed++) {
      const cluster = new RandomCluster(seed);
      for (let steps = 0; steps < 1_500; steps++) cluster.step();
      changes += cluster.changes;
      installs += cluster.installs;
      reads += cluster.readsAnswered;
    }
    expect({ changes, installs, reads }).toEqual({
      changes: expect.toSatisfy((count: number) => count > 20),
      installs: expect.toSatisfy((count: number) => count > 5),
      reads: expect.toSatisfy((count: number) => count > 100),
    });
  });
});
