import { isSoleVoter, isVoter, membersOf, type NodeId } from './cluster-configuration.ts';
import { becomeLeader } from './leading.ts';
import { hearsLeader, type Member, send, sendWhenDurable } from './member.ts';
import type { Message } from './message.ts';
import { voteOutcome } from './quorum.ts';
import { becomeCandidate, becomeFollower, becomePreCandidate } from './roles.ts';

type VoteRequest = Extract<Message, { kind: 'preVote' | 'vote' }>;
type VoteReply = Extract<Message, { kind: 'preVoteReply' | 'voteReply' }>;

/** Called for voters whose election timeout has passed. */
export function campaign(member: Member): void {
  const { configuration } = member.log;
  if (!isSoleVoter(configuration, member.id)) preCampaign(member);
  else if (member.role !== 'candidate') campaignAtOnce(member, false);
}

function preCampaign(member: Member): void {
  becomePreCandidate(member);
  const { lastIndex, lastTerm } = member.log;
  for (const id of otherVoters(member)) {
    send(member, id, { kind: 'preVote', lastIndex, lastTerm, isTransfer: false }, member.term + 1);
  }
}

/** The requests wait for the own vote to be durable: elected without it, this member could win its term twice. */
export function campaignAtOnce(member: Member, isTransfer: boolean): void {
  becomeCandidate(member);
  const { lastIndex, lastTerm } = member.log;
  for (const id of otherVoters(member)) {
    sendWhenDurable(member, id, { kind: 'vote', lastIndex, lastTerm, isTransfer });
  }
}

function otherVoters({ log, id }: Member): readonly NodeId[] {
  return membersOf(log.configuration).filter((other) => other !== id && isVoter(log.configuration, other));
}

/** Whether a request must be passed over in silence because a leader is alive. */
export function isDisruptive(member: Member, { term, isTransfer }: VoteRequest): boolean {
  return term > member.term && !isTransfer && hearsLeader(member);
}

/**
 * Whoever is asked answers, voter or not by its own configuration: a learner may have been made a voter by an entry
 * that it does not have yet.
 */
export function onVoteRequest(member: Member, request: VoteRequest): void {
  const { kind, from, term } = request;
  if (kind === 'preVote') {
    const isGranted = (term > member.term || mayVoteFor(member, from)) && isUpToDate(member, request);
    sendWhenDurable(member, from, { kind: 'preVoteReply', isGranted }, isGranted ? term : member.term);
    return;
  }
  const isGranted = mayVoteFor(member, from) && isUpToDate(member, request);
  if (isGranted) {
    member.vote = from;
    member.electionElapsed = 0;
  }
  sendWhenDurable(member, from, { kind: 'voteReply', isGranted });
}

/** First come, first served, and once in a term. */
function mayVoteFor(member: Member, candidate: NodeId): boolean {
  return member.vote === candidate || (member.vote === '' && member.leader === undefined);
}

/** The later last term wins, and with equal terms the longer log (section 5.4.1). */
function isUpToDate({ log }: Member, { lastTerm, lastIndex }: VoteRequest): boolean {
  return lastTerm > log.lastTerm || (lastTerm === log.lastTerm && lastIndex >= log.lastIndex);
}

export function onVoteReply(member: Member, { kind, from, term, isGranted }: VoteReply): void {
  if (member.role === 'preCandidate' ? kind !== 'preVoteReply' : kind !== 'voteReply') return;
  if (member.role !== 'preCandidate' && member.role !== 'candidate') return;
  if (member.role === 'preCandidate' && isGranted && term !== member.term + 1) return;
  if (!isVoter(member.log.configuration, from) || member.votes.has(from)) return;
  member.votes.set(from, isGranted);
  countVotes(member);
}

/** The own vote, once it is durable, and only in the campaign that it was given for. */
export function countOwnVote(member: Member): void {
  const { durableState } = member.disk;
  if (member.role !== 'candidate' || member.votes.has(member.id)) return;
  if (durableState.term !== member.term || durableState.vote !== member.id) return;
  member.votes.set(member.id, true);
  countVotes(member);
}

function countVotes(member: Member): void {
  const outcome = voteOutcome(member.log.configuration, member.votes);
  if (outcome === 'lost') becomeFollower(member, member.term, undefined);
  else if (outcome === 'won' && member.role === 'candidate') becomeLeader(member);
  else if (outcome === 'won') campaignAtOnce(member, false);
}
