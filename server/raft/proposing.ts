import type { MembershipChange } from './cluster-configuration.ts';
import type { ProposalId } from './entry.ts';
import { appendAsLeader } from './leading.ts';
import type { Member } from './member.ts';
import type { Accepted, Refused } from './raft.ts';

/** Appends a command to the leader's log. */
export function propose(member: Member, bytes: Uint8Array, proposal: ProposalId): Accepted | Refused {
  const { role, leader, handover, options, uncommittedBytes, term } = member;
  if (role !== 'leader') return { kind: 'notLeader', leader };
  if (handover)
    return { kind: 'refused', reason: 'transferring', message: `Leadership is going to ${handover.to}.` };
  // One proposal is always let through, however large, so that a small limit cannot stop everything.
  if (uncommittedBytes > 0 && uncommittedBytes + bytes.length > options.uncommittedBytesMax) {
    return {
      kind: 'refused',
      reason: 'tooManyUncommitted',
      message: 'Too many changes wait to be committed; try again.',
    };
  }
  const index = appendAsLeader(member, { kind: 'command', proposal, bytes });
  return { kind: 'accepted', index, term };
}

export function changeMembership(member: Member, _changes: readonly MembershipChange[]): Accepted | Refused {
  return { kind: 'notLeader', leader: member.leader };
}
