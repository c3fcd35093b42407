/** A member's name, unique in its cluster. Which incarnation of it may speak is the transport's care. */
export type NodeId = string;

/**
 * Who counts. While `outgoing` is not empty the configuration is joint (Ongaro 2014, section 4.3): an election and a
 * commit need a majority of `voters` AND a majority of `outgoing`. All lists are sorted.
 */
export interface ClusterConfiguration {
  readonly voters: readonly NodeId[];
  /** The voters before the change under way; empty when none is. */
  readonly outgoing: readonly NodeId[];
  /** Receive the log and do not count. */
  readonly learners: readonly NodeId[];
  /** Voters of `outgoing` that become learners when the joint configuration is left. */
  readonly learnersNext: readonly NodeId[];
  /** `host:port` of every member named above, where its peers reach it. */
  readonly addresses: Readonly<Record<NodeId, string>>;
}

/** What an operator may ask for; several changes may form one joint step. */
export type MembershipChange =
  | { readonly kind: 'addLearner'; readonly id: NodeId; readonly address: string }
  /** The learner must have caught up. */
  | { readonly kind: 'promote'; readonly id: NodeId }
  | { readonly kind: 'demote'; readonly id: NodeId }
  /** The member is reached elsewhere from now on. */
  | { readonly kind: 'move'; readonly id: NodeId; readonly address: string }
  | { readonly kind: 'remove'; readonly id: NodeId };

export function isJoint({ outgoing }: ClusterConfiguration): boolean {
  return outgoing.length > 0;
}

/** Whether its vote counts. */
export function isVoter({ voters, outgoing }: ClusterConfiguration, id: NodeId): boolean {
  return voters.includes(id) || outgoing.includes(id);
}

/** Whether `id` decides alone. */
export function isSoleVoter({ voters, outgoing }: ClusterConfiguration, id: NodeId): boolean {
  return voters.length === 1 && voters[0] === id && outgoing.length === 0;
}

export function hasSameMembers(one: ClusterConfiguration, other: ClusterConfiguration): boolean {
  return (['voters', 'outgoing', 'learners', 'learnersNext'] as const).every(
    (list) => one[list].length === other[list].length && one[list].every((id) => other[list].includes(id)),
  );
}

/** Everyone who receives the log, sorted, each once. */
export function membersOf({ voters, outgoing, learners }: ClusterConfiguration): readonly NodeId[] {
  return [...new Set([...voters, ...outgoing, ...learners])].sort();
}
