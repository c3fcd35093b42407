import { limits } from '../../shared/base/limits.ts';
import { isJoint, type MembershipChange, type NodeId } from './cluster-configuration.ts';
import type { ProposalId } from './entry.ts';
import { appendAsLeader } from './leading.ts';
import { hasCommittedInTerm, isActive, type Member } from './member.ts';
import { changeConfiguration } from './membership.ts';
import type { Accepted, Refused } from './raft.ts';

/** Appends a command to the leader's log. */
export function propose(member: Member, bytes: Uint8Array, proposal: ProposalId): Accepted | Refused {
  const { role, leader, handover, options, uncommittedBytes, term } = member;
  if (role !== 'leader') return { kind: 'notLeader', leader };
  if (handover) return transferring(handover.to);
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

/** Appends a new configuration, one change at a time; a joint one is left by itself once it is committed. */
export function changeMembership(member: Member, changes: readonly MembershipChange[]): Accepted | Refused {
  const { role, leader, handover, log, term } = member;
  if (role !== 'leader') return { kind: 'notLeader', leader };
  if (handover) return transferring(handover.to);
  if (log.configurationIndex > log.commit || isJoint(log.configuration) || !hasCommittedInTerm(member)) {
    const message = 'Another change is not complete, or the leader is new; try again in a moment.';
    return { kind: 'refused', reason: 'changeUnderWay', message };
  }
  const outcome = changeConfiguration(log.configuration, changes, (id) => hasCaughtUp(member, id));
  if (outcome.kind === 'bad') return { kind: 'refused', reason: 'badChange', message: outcome.message };
  const index = appendAsLeader(member, { kind: 'configuration', configuration: outcome.configuration });
  return { kind: 'accepted', index, term };
}

/** A voter that lags behind would count for every commit at once, and hold it up. */
function hasCaughtUp(member: Member, id: NodeId): boolean {
  const progress = member.progress.get(id);
  if (progress?.state !== 'replicate' || !isActive(member, progress)) return false;
  return member.log.commit - progress.matchIndex <= limits.raftCaughtUpEntriesMax;
}

function transferring(to: NodeId): Refused {
  return { kind: 'refused', reason: 'transferring', message: `Leadership is going to ${to}.` };
}
