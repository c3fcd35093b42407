import type { ClusterConfiguration, NodeId } from '../../../server/raft/cluster-configuration.ts';

/** A promise of Raft, or of the simulated shell around it, that a run has broken. */
export class Violation extends Error {}

function isMajority(ids: readonly NodeId[], holds: (id: NodeId) => boolean): boolean {
  let count = 0;
  for (const id of ids) if (holds(id)) count++;
  return 2 * count > ids.length;
}

/** The plain reading of joint consensus, kept apart from the code under test. */
export function isQuorum(configuration: ClusterConfiguration, holds: (id: NodeId) => boolean): boolean {
  const { voters, outgoing } = configuration;
  return isMajority(voters, holds) && (outgoing.length === 0 || isMajority(outgoing, holds));
}
