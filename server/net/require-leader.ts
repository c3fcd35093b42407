import type { ClusterView } from '../../shared/base/cluster-view.ts';
import { GradswarmError } from '../../shared/base/errors.ts';

/** @throws GradswarmError `notLeader` with the leader's address, where it is known. */
export function requireLeader({ isLeader, leaderUrl }: ClusterView): void {
  if (isLeader) return;
  const message =
    leaderUrl === undefined
      ? 'no coordinator leads at the moment; try again soon'
      : `this coordinator does not lead; ${leaderUrl} does`;
  throw new GradswarmError('notLeader', message, undefined, leaderUrl);
}
