import type { ClusterConfiguration, NodeId } from '../../../server/raft/cluster-configuration.ts';
import type { Sightings } from './sightings.ts';

/** Two configurations that were committed one after the other. */
export function seeConfigurationChange(
  sightings: Sightings,
  before: ClusterConfiguration,
  after: ClusterConfiguration,
  leader: NodeId | undefined,
): void {
  if (after.outgoing.length > 0) sightings.see('configuration joint');
  if (before.outgoing.length > 0 && after.outgoing.length === 0) sightings.see('configuration left joint');
  if (before.learners.some((id) => after.voters.includes(id))) sightings.see('learner promoted');
  if (before.learnersNext.some((id) => after.learners.includes(id))) sightings.see('member demoted');
  if (leader !== undefined && before.outgoing.includes(leader) && !after.voters.includes(leader)) {
    sightings.see('leader left office for its removal');
  }
  const named = [...after.voters, ...after.outgoing, ...after.learners];
  if (before.outgoing.some((id) => !named.includes(id))) sightings.see('member removed');
}
