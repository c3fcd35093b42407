import type { WorkerId } from '../../../shared/base/ids.ts';
import { limits } from '../../../shared/base/limits.ts';
import { orderByBandwidth } from '../../../shared/sync/ring/ring-order.ts';
import type { JobRun, Round } from '../coordinator-state.ts';
import type { Turn } from '../turn.ts';
import { linkName, neighbour, pairName, type RingChannelKind, type RingMemory } from './ring-state.ts';

export interface RingWay {
  readonly channel: RingChannelKind;
  /** In the order of the ring. */
  readonly members: readonly WorkerId[];
}

/**
 * Direct channels where everyone offers them, none has failed in this round, and the ring has no two neighbours who found
 * no way to one another lately; else through the coordinator. Undefined without a way that all have, or a single holder.
 */
export function chooseWay(
  turn: Turn,
  { ringMemory }: JobRun,
  { round, ring }: Round,
  holders: readonly WorkerId[],
): RingWay | undefined {
  if (holders.length < 2) return undefined;
  const offer = (kind: RingChannelKind): boolean =>
    holders.every((id) => turn.state.workers.get(id)?.ringChannels.includes(kind));
  const { links } = ringMemory;
  if (offer('webrtc') && (ring?.failures === 0 || !offer('relay'))) {
    const apart = membersApart(ringMemory, round);
    // A pair without a way is the slowest of all.
    const members = order(holders, (from, to) => (apart(from, to) ? 0 : links.get(linkName(from, to))));
    const isWhole = members.every((from) => !apart(from, neighbour(members, from, 1)));
    if (isWhole || !offer('relay')) return { channel: 'webrtc', members };
  }
  if (!offer('relay')) return undefined;
  return { channel: 'relay', members: order(holders, (from, to) => links.get(linkName(from, to))) };
}

function membersApart({ unreachable }: RingMemory, round: number): (one: string, other: string) => boolean {
  return (one, other) => (unreachable.get(pairName(one, other))?.untilRound ?? 0) > round;
}

/** A packet may have been lost, or a wall be in between: so they are kept apart for longer and longer. */
export function keepApart({ unreachable }: RingMemory, round: number, one: WorkerId, other: WorkerId): void {
  const pair = pairName(one, other);
  const times = (unreachable.get(pair)?.times ?? 0) + 1;
  // Volunteers come and go: what is long over is of pairs that may never meet again.
  for (const [name, { untilRound }] of unreachable)
    if (untilRound + limits.ringUnreachableRounds < round) unreachable.delete(name);
  unreachable.set(pair, { times, untilRound: round + Math.min(limits.ringUnreachableRounds, 2 ** times) });
}

export function foundWays({ unreachable }: RingMemory, members: readonly WorkerId[]): void {
  for (const from of members) unreachable.delete(pairName(from, neighbour(members, from, 1)));
}

function order(
  holders: readonly WorkerId[],
  speed: (from: string, to: string) => number | undefined,
): readonly WorkerId[] {
  return orderByBandwidth(holders, speed) as readonly WorkerId[];
}
