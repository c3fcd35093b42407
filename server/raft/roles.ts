import type { NodeId } from './cluster-configuration.ts';
import { drawElectionTimeout, type Member } from './member.ts';
import { abortReads } from './read-queue.ts';

/** Leaves whatever office or candidacy there was. A new term begins without a vote. */
function leaveRole(member: Member, term: number): void {
  if (term !== member.term) {
    member.term = term;
    member.vote = '';
  }
  member.leader = undefined;
  member.votes.clear();
  member.progress.clear();
  member.handover = undefined;
  member.electionElapsed = 0;
  member.electionTimeout = drawElectionTimeout(member.options);
  abortReads(member.reads, member.id);
}

export function becomeFollower(member: Member, term: number, leader: NodeId | undefined): void {
  leaveRole(member, term);
  member.role = 'follower';
  member.leader = leader;
}

/** Asks whether a campaign could succeed, and leaves the term alone until then. */
export function becomePreCandidate(member: Member): void {
  leaveRole(member, member.term);
  member.role = 'preCandidate';
  member.votes.set(member.id, true);
}

/** The own vote counts when it is durable. */
export function becomeCandidate(member: Member): void {
  leaveRole(member, member.term + 1);
  member.role = 'candidate';
  member.vote = member.id;
}
