import { type ErrorCode, GradswarmError } from '../../../shared/base/errors.ts';
import type { NodeId } from '../../raft/cluster-configuration.ts';
import type { Refused } from '../../raft/raft.ts';

type Reason = Extract<Refused, { kind: 'refused' }>['reason'];

const codes: Readonly<Record<Reason, ErrorCode>> = {
  tooManyUncommitted: 'unavailable',
  transferring: 'conflict',
  changeUnderWay: 'conflict',
  badChange: 'badRequest',
};

/** A member's refusal for those who asked. `urlOf`: where clients reach a member. */
export function refusalError(refused: Refused, urlOf: (id: NodeId) => string | undefined): GradswarmError {
  if (refused.kind === 'refused') return new GradswarmError(codes[refused.reason], refused.message);
  const { leader } = refused;
  const message = leader === undefined ? 'No coordinator leads at the moment.' : `${leader} leads; ask it.`;
  return new GradswarmError(
    'notLeader',
    message,
    undefined,
    leader === undefined ? undefined : urlOf(leader),
  );
}
