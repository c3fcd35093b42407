import type { CoordinatorState } from '../../server/core/coordinator-state.ts';
import type { Effect } from '../../server/core/events.ts';
import { exchangeOf } from '../../server/core/ring/ring-view.ts';
import { assert } from '../../shared/base/assert.ts';
import type { WorkerId } from '../../shared/base/ids.ts';
import { isSameRing, type RingLetter } from './sim-ring.ts';

type Effects<Kind extends Effect['kind']> = Extract<Effect, { readonly kind: Kind }>;

/** What a coordinator tells workers that watch for rings, and passes on between neighbours. */
export class SimRingMail {
  private readonly watchers = new Map<WorkerId, (letter: RingLetter) => void>();

  watch(workerId: WorkerId, take: (letter: RingLetter) => void): void {
    this.watchers.set(workerId, take);
  }

  clear(): void {
    this.watchers.clear();
  }

  tell(effect: Effects<'tellRing'>): void {
    for (const workerId of effect.workerIds) this.watchers.get(workerId)?.(effect);
  }

  /** False unless the ring is under way, and these are neighbours in it: as `server/net/ring-handlers.ts`. */
  relay(
    state: CoordinatorState,
    from: WorkerId,
    to: WorkerId | undefined,
    letter: Extract<RingLetter, { batch: Uint8Array }>,
  ): boolean {
    const exchange = exchangeOf(state, letter.jobId);
    if (exchange === undefined || to === undefined) return false;
    const { members, identity } = exchange;
    const isNeighbour = members[(members.indexOf(from) + 1) % members.length] === to;
    const take = this.watchers.get(to);
    if (!isSameRing(identity, letter.identity) || !members.includes(from) || !isNeighbour) return false;
    take?.(letter);
    return take !== undefined;
  }
}

/** The units of a sum that workers made: those that its holders held when it was taken. */
export function unitsOfSum(
  { runs }: CoordinatorState,
  { jobId, workerId, weight }: Effects<'mergeSum'>,
): readonly number[] {
  const ring = runs.get(jobId)?.round?.ring;
  const holders = ring?.uploads.get(workerId)?.holders ?? [];
  const held = holders.flatMap((holder) => [...(ring?.held.get(holder)?.values() ?? [])]);
  const total = held.reduce((sum, unit) => sum + unit.weight, 0);
  assert(total === weight, `a sum weighs what its units weigh: ${total}, not ${weight}`);
  return held.map(({ slot }) => slot);
}
