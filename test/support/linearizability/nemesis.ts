import { setTimeout as wait } from 'node:timers/promises';
import type { Random } from '../../../shared/base/random.ts';
import type { LogCluster } from '../log-node/log-cluster.ts';
import { type FaultName, faultNames, faults } from './faults.ts';

export interface NemesisOptions {
  readonly faultMsMin: number;
  readonly faultMsMax: number;
  readonly calmMs: number;
  /** By name; all of them when undefined. */
  readonly faults?: readonly FaultName[];
}

/** Every fault once, in a random order, with some calm in between. Leaves the cluster whole. */
export async function tormentOnce(
  cluster: LogCluster,
  random: Random,
  { faultMsMin, faultMsMax, calmMs, faults: chosen = faultNames }: NemesisOptions,
): Promise<void> {
  for (const name of shuffled(chosen, random)) {
    const end = await faults[name](cluster, random);
    await wait(faultMsMin + random.below(faultMsMax - faultMsMin));
    await end();
    await wait(random.below(calmMs));
  }
}

function shuffled<Item>(items: readonly Item[], random: Random): Item[] {
  return items
    .map((item) => ({ item, place: random.unit() }))
    .sort((left, right) => left.place - right.place)
    .map(({ item }) => item);
}
