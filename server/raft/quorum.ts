import type { ClusterConfiguration, NodeId } from './cluster-configuration.ts';

/**
 * The highest value that a majority of `ids` has reached. Without ids nobody objects: `Infinity`. Counting instead of
 * sorting, because this runs for every acknowledgement and there are five ids.
 */
function majorityValue(ids: readonly NodeId[], reachedBy: (id: NodeId) => number): number {
  if (ids.length === 0) return Number.POSITIVE_INFINITY;
  const majority = Math.floor(ids.length / 2) + 1;
  let highest = Number.NEGATIVE_INFINITY;
  for (const id of ids) {
    const value = reachedBy(id);
    if (value <= highest) continue;
    let reached = 0;
    for (const other of ids) if (reachedBy(other) >= value) reached += 1;
    if (reached >= majority) highest = value;
  }
  return highest;
}

/**
 * The highest value that a quorum has reached: a majority of the voters and, in a joint configuration, also one of the
 * outgoing voters. With acknowledged indexes this is what may be committed; it serves for reads and for the time at
 * which a quorum was last heard of as well.
 */
export function quorumValue(
  { voters, outgoing }: ClusterConfiguration,
  reachedBy: (id: NodeId) => number,
): number {
  return Math.min(majorityValue(voters, reachedBy), majorityValue(outgoing, reachedBy));
}

export type VoteOutcome = 'won' | 'lost' | 'pending';

function majorityOutcome(ids: readonly NodeId[], votes: ReadonlyMap<NodeId, boolean>): VoteOutcome {
  if (ids.length === 0) return 'won';
  const majority = Math.floor(ids.length / 2) + 1;
  let granted = 0;
  let refused = 0;
  for (const id of ids) {
    const vote = votes.get(id);
    if (vote === true) granted += 1;
    else if (vote === false) refused += 1;
  }
  if (granted >= majority) return 'won';
  return ids.length - refused < majority ? 'lost' : 'pending';
}

/** In a joint configuration both majorities must be won, and one that cannot be is enough to lose. */
export function voteOutcome(
  { voters, outgoing }: ClusterConfiguration,
  votes: ReadonlyMap<NodeId, boolean>,
): VoteOutcome {
  const incoming = majorityOutcome(voters, votes);
  const leaving = majorityOutcome(outgoing, votes);
  if (incoming === 'lost' || leaving === 'lost') return 'lost';
  return incoming === 'won' && leaving === 'won' ? 'won' : 'pending';
}
