import type { ClusterConfiguration, NodeId } from '../../../server/raft/cluster-configuration.ts';
import { Violation } from './violation.ts';

function isSame(left: readonly NodeId[], right: readonly NodeId[]): boolean {
  return left.length === right.length && left.every((id, at) => id === right[at]);
}

/**
 * Joint consensus is the only way from one set of voters to another: in through a configuration that needs majorities of
 * both, out to the incoming one. So any two quorums that decide side by side have a member in common.
 */
export function checkTransition(id: NodeId, before: ClusterConfiguration, after: ClusterConfiguration): void {
  const isJoint = before.outgoing.length > 0;
  const keepsVoters = isSame(before.voters, after.voters);
  const isLegal = isJoint
    ? keepsVoters && (after.outgoing.length === 0 || isSame(before.outgoing, after.outgoing))
    : after.outgoing.length === 0
      ? keepsVoters
      : isSame(before.voters, after.outgoing);
  if (isJoint && after.outgoing.length === 0) checkLearners(id, before, after);
  if (isLegal) return;
  throw new Violation(
    `${id} goes from ${JSON.stringify(before)} to ${JSON.stringify(after)} without a joint step`,
  );
}

/** Whoever was to be demoted is a learner when the joint configuration is left, and nobody else comes or goes. */
function checkLearners(id: NodeId, before: ClusterConfiguration, after: ClusterConfiguration): void {
  const expected = [...before.learners, ...before.learnersNext].sort();
  if (isSame(expected, after.learners)) return;
  throw new Violation(
    `${id} leaves ${JSON.stringify(before)} with the learners ${after.learners.join(', ')}`,
  );
}
