import type { Round } from './coordinator-state.ts';
import type { CoordinatorId, StoreRound } from './effect-values.ts';

/** What other coordinators have summed of the round; undefined when everything is summed here. */
export function edgeOfRound({ counted, serial }: Round): StoreRound['edge'] {
  const shares = new Map<CoordinatorId, { units: number[]; weight: number }>();
  for (const { heldAt, slot, weight } of counted) {
    if (heldAt === undefined) continue;
    const share = shares.get(heldAt) ?? { units: [], weight: 0 };
    shares.set(heldAt, share);
    share.units.push(slot);
    share.weight += weight;
  }
  if (shares.size === 0) return undefined;
  const inOrder = [...shares].sort(([one], [other]) => (one < other ? -1 : 1));
  return {
    serial,
    shares: inOrder.map(([coordinator, { units, weight }]) => ({
      coordinator,
      units: units.sort((a, b) => a - b),
      weight,
    })),
  };
}
