import { onAppend } from './appending.ts';
import { commitTo } from './committing.ts';
import { campaignAtOnce, isDisruptive, onVoteReply, onVoteRequest } from './election.ts';
import { continueHandover } from './handover.ts';
import { type Member, mayCampaign, send, sendWhenDurable } from './member.ts';
import type { Message } from './message.ts';
import type { Progress } from './progress.ts';
import { answerConfirmed, onReadIndex, onReadIndexReply } from './reads.ts';
import { checkAfterHeartbeat, onAppendReply } from './replication.ts';
import { becomeFollower } from './roles.ts';
import { onChunk } from './snapshot-receiving.ts';
import { onSnapshotReply } from './snapshot-sending.ts';

type FromLeader = Extract<Message, { kind: 'append' | 'heartbeat' | 'snapshotChunk' }>;
type ToLeader = Extract<Message, { kind: 'appendReply' | 'heartbeatReply' | 'snapshotReply' | 'readIndex' }>;

/** Takes a message in. It may be late, repeated, out of order, or of a member that was removed. */
export function step(member: Member, message: Message): void {
  if (message.to !== member.id || message.from === member.id) return;
  if (message.term < member.term) onOldTerm(member, message);
  else if (message.term === member.term || meetNewTerm(member, message)) handle(member, message);
}

function handle(member: Member, message: Message): void {
  switch (message.kind) {
    case 'preVote':
    case 'vote':
      onVoteRequest(member, message);
      break;
    case 'preVoteReply':
    case 'voteReply':
      onVoteReply(member, message);
      break;
    case 'append':
    case 'heartbeat':
    case 'snapshotChunk':
      onLeader(member, message);
      break;
    case 'timeoutNow':
      if (member.role !== 'leader' && mayCampaign(member)) campaignAtOnce(member, true);
      break;
    case 'readIndexReply':
      onReadIndexReply(member, message);
      break;
    default:
      onFollower(member, message);
  }
}

/** A sender that is behind is told so; a stale leader steps down by it. Stale replies are of no use. */
function onOldTerm(member: Member, { kind, from }: Message): void {
  if (kind === 'preVote') sendWhenDurable(member, from, { kind: 'preVoteReply', isGranted: false });
  else if (kind === 'vote') sendWhenDurable(member, from, { kind: 'voteReply', isGranted: false });
  else if (isFromLeader(kind))
    sendWhenDurable(member, from, { kind: 'appendReply', index: 0, reject: nothing });
}

const nothing = { hintIndex: 0, hintTerm: 0 };

/** Whether the message goes on to be handled. A pre-vote tells of a term that nobody has begun. */
function meetNewTerm(member: Member, message: Message): boolean {
  const { kind, term, from } = message;
  if (kind === 'preVote' || kind === 'vote') {
    if (isDisruptive(member, message)) return false;
    if (kind === 'vote') becomeFollower(member, term, undefined);
    return true;
  }
  if (kind === 'preVoteReply' && message.isGranted) return true;
  if (member.role === 'leader' && !member.progress.has(from) && isToLeader(kind)) return false;
  becomeFollower(member, term, isFromLeader(kind) ? from : undefined);
  return true;
}

function isFromLeader(kind: Message['kind']): boolean {
  return kind === 'append' || kind === 'heartbeat' || kind === 'snapshotChunk';
}

function isToLeader(kind: Message['kind']): boolean {
  return (
    kind === 'appendReply' || kind === 'heartbeatReply' || kind === 'snapshotReply' || kind === 'readIndex'
  );
}

/** There is one leader in a term, so the sender is the one to follow. */
function onLeader(member: Member, message: FromLeader): void {
  const { from, term } = message;
  if (member.role === 'leader' || (member.leader ?? from) !== from) return;
  if (member.role !== 'follower') becomeFollower(member, term, from);
  member.leader = from;
  member.electionElapsed = 0;
  if (message.kind === 'append') onAppend(member, message);
  else if (message.kind === 'snapshotChunk') onChunk(member, message);
  else onHeartbeat(member, message);
}

function onHeartbeat(
  member: Member,
  { from, commit, readId }: Extract<FromLeader, { kind: 'heartbeat' }>,
): void {
  commitTo(member, commit);
  send(member, from, { kind: 'heartbeatReply', readId });
}

/** Of use to a leader only, and only from members. */
function onFollower(member: Member, message: ToLeader): void {
  const progress = member.progress.get(message.from);
  if (member.role !== 'leader' || !progress) return;
  // A question does not prove that the follower hears its leader: where only its way is open, the leader shall step down.
  if (message.kind !== 'readIndex') progress.heardAtTick = member.nowTick;
  switch (message.kind) {
    case 'appendReply':
      onAppendReply(member, progress, message);
      break;
    case 'heartbeatReply':
      onHeartbeatReply(member, progress, message.readId);
      break;
    case 'snapshotReply':
      onSnapshotReply(member, progress, message);
      break;
    case 'readIndex':
      onReadIndex(member, message);
  }
  continueHandover(member, progress);
}

function onHeartbeatReply(member: Member, progress: Progress, readId: number): void {
  progress.confirmedReadId = Math.max(progress.confirmedReadId, readId);
  checkAfterHeartbeat(member, progress);
  answerConfirmed(member);
}
