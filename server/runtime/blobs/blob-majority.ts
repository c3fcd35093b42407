import type { ClusterConfiguration, NodeId } from '../../raft/cluster-configuration.ts';

/** Whether `holders` are a majority of the voters, and in a joint configuration of the outgoing ones as well. */
export function isMajority(
  { voters, outgoing }: ClusterConfiguration,
  holders: Pick<ReadonlySet<NodeId>, 'has'>,
): boolean {
  const holds = (members: readonly NodeId[]): boolean =>
    2 * members.filter((id) => holders.has(id)).length > members.length;
  return holds(voters) && (outgoing.length === 0 || holds(outgoing));
}

/** Every coordinator that counts, each once. */
export function votersOf({ voters, outgoing }: ClusterConfiguration): readonly NodeId[] {
  return [...new Set([...voters, ...outgoing])];
}
