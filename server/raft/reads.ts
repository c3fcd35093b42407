import { limits } from '../../shared/base/limits.ts';
import { isSoleVoter } from './cluster-configuration.ts';
import { sendHeartbeats } from './heartbeat.ts';
import { hasCommittedInTerm, type Member, send } from './member.ts';
import type { Message } from './message.ts';
import { quorumValue } from './quorum.ts';
import type { ReadRequest } from './read-queue.ts';

/** Linearizable reads without clocks (Ongaro 2014, section 6.4). */
export function read(member: Member, readId: number): void {
  const { reads, role, leader, id } = member;
  if (role === 'leader') {
    if (!enqueue(member, { from: id, readId })) reads.answers.push({ readId, index: undefined });
  } else if (leader === undefined || reads.forwarded.length >= limits.raftPendingReadsMax) {
    reads.answers.push({ readId, index: undefined });
  } else {
    const attemptId = reads.nextId++;
    reads.forwarded.push({ attemptId, readId, askedAtTick: member.nowTick });
    send(member, leader, { kind: 'readIndex', readId: attemptId });
  }
}

/** Asked by a follower, which gives up by itself when it hears nothing. */
export function onReadIndex(member: Member, { from, readId }: Extract<Message, { kind: 'readIndex' }>): void {
  enqueue(member, { from, readId });
}

function enqueue({ reads }: Member, request: ReadRequest): boolean {
  if (reads.pending >= limits.raftPendingReadsMax) return false;
  reads.waiting.push(request);
  reads.pending += 1;
  return true;
}

/**
 * Starts one attempt for all reads that wait, under an id that was never used: a heartbeat that was sent earlier and
 * is answered late proves nothing about now. Before its first commit a leader does not know what is committed.
 */
export function startReadAttempt(member: Member): void {
  const { reads, log, id } = member;
  if (reads.waiting.length === 0 || !hasCommittedInTerm(member)) return;
  const attempt = { id: reads.nextId++, index: log.commit, requests: reads.waiting };
  reads.waiting = [];
  reads.attempts.push(attempt);
  if (isSoleVoter(log.configuration, id)) answerConfirmed(member);
  else sendHeartbeats(member);
}

/** Answers every attempt that a quorum has confirmed; a confirmed id confirms all before it. */
export function answerConfirmed(member: Member): void {
  const { reads, log, progress, id } = member;
  if (reads.attempts.length === 0) return;
  const confirmed = quorumValue(log.configuration, (voter) =>
    voter === id ? Number.POSITIVE_INFINITY : (progress.get(voter)?.confirmedReadId ?? 0),
  );
  for (let attempt = reads.attempts[0]; attempt && attempt.id <= confirmed; attempt = reads.attempts[0]) {
    reads.attempts.shift();
    for (const request of attempt.requests) answer(member, request, attempt.index);
  }
}

function answer(member: Member, { from, readId }: ReadRequest, index: number): void {
  member.reads.pending -= 1;
  if (from === member.id) member.reads.answers.push({ readId, index });
  else send(member, from, { kind: 'readIndexReply', readId, index });
}

export function onReadIndexReply(
  { reads }: Member,
  { readId, index }: Extract<Message, { kind: 'readIndexReply' }>,
): void {
  const position = reads.forwarded.findIndex(({ attemptId }) => attemptId === readId);
  const [forwarded] = position < 0 ? [] : reads.forwarded.splice(position, 1);
  if (forwarded) reads.answers.push({ readId: forwarded.readId, index });
}

/** The question or its answer was lost. */
export function expireForwardedReads({ reads, nowTick, options }: Member): void {
  while ((reads.forwarded[0]?.askedAtTick ?? nowTick) + options.electionTicks < nowTick) {
    const expired = reads.forwarded.shift();
    if (expired) reads.answers.push({ readId: expired.readId, index: undefined });
  }
}
