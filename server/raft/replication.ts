import { commitByQuorum } from './committing.ts';
import { isActive, type Member, send } from './member.ts';
import type { Message } from './message.ts';
import { enterProbe, enterReplicate, type Progress } from './progress.ts';
import { sendChunk, startTransfer } from './snapshot-sending.ts';

type AppendReply = Extract<Message, { kind: 'appendReply' }>;

/** Sends every follower what it may be sent now; called once per output, so that one append carries many proposals. */
export function sendAppends(member: Member): void {
  for (const progress of member.progress.values()) sendDue(member, progress);
}

function sendDue(member: Member, progress: Progress): void {
  if (progress.state === 'snapshot') sendChunk(member, progress);
  else if (progress.nextIndex <= member.log.baseIndex) startTransfer(member, progress);
  else if (progress.state === 'probe') sendProbe(member, progress);
  else sendAhead(member, progress);
}

function sendProbe(member: Member, progress: Progress): void {
  if (progress.isProbeUnderWay) return;
  sendAppend(member, progress);
  progress.isProbeUnderWay = true;
}

function sendAhead(member: Member, progress: Progress): void {
  const { log } = member;
  while (progress.nextIndex <= log.lastIndex && !progress.inflight.isFull) {
    const { lastIndex, bytes } = sendAppend(member, progress);
    progress.inflight.add(lastIndex, bytes);
    progress.nextIndex = lastIndex + 1;
  }
  const isCommitNews = progress.sentCommit < Math.min(log.commit, progress.nextIndex - 1);
  if (progress.isCheckDue || (isCommitNews && isActive(member, progress))) {
    // Told even when the window is full; it is refused when an append before it was lost.
    sendEntries(member, progress, []);
  }
}

function sendAppend(member: Member, progress: Progress): { lastIndex: number; bytes: number } {
  const { log, options } = member;
  const { entries, bytes } = log.batch(progress.nextIndex, options.appendBytesMax);
  sendEntries(member, progress, entries);
  return { lastIndex: progress.nextIndex - 1 + entries.length, bytes };
}

function sendEntries(
  member: Member,
  progress: Progress,
  entries: Extract<Message, { kind: 'append' }>['entries'],
): void {
  const { log } = member;
  const previousIndex = progress.nextIndex - 1;
  const previousTerm = log.termAt(previousIndex) ?? 0;
  send(member, progress.id, { kind: 'append', previousIndex, previousTerm, entries, commit: log.commit });
  progress.sentCommit = Math.min(log.commit, previousIndex + entries.length);
  progress.isCheckDue = false;
}

/** Empties a window whose appends or acknowledgements may have been lost: nothing else would ever open it again. */
export function checkAfterHeartbeat({ log }: Member, progress: Progress): void {
  progress.isProbeUnderWay = false;
  if (progress.matchIndex < log.lastIndex) progress.isCheckDue = true;
}

export function onAppendReply(member: Member, progress: Progress, reply: AppendReply): void {
  if (reply.reject) onReject(member, progress, reply.index, reply.reject);
  else if (reply.index <= member.log.lastIndex) onAcknowledged(member, progress, reply.index);
}

/** Late refusals are told by their index: only of the probe under way, or beyond what is known to match. */
function onReject(
  { log }: Member,
  progress: Progress,
  index: number,
  { hintIndex, hintTerm }: NonNullable<AppendReply['reject']>,
): void {
  if (progress.state === 'replicate') {
    if (index > progress.matchIndex) enterProbe(progress, progress.matchIndex + 1);
  } else if (progress.state === 'probe' && index === progress.nextIndex - 1) {
    const agreed =
      hintIndex < log.baseIndex ? hintIndex : log.lastOfTerm(Math.min(hintIndex, index), hintTerm);
    enterProbe(progress, Math.min(agreed + 1, Math.max(index, 1)));
  }
}

function onAcknowledged(member: Member, progress: Progress, index: number): void {
  progress.isProbeUnderWay = false;
  progress.inflight.free(index);
  if (index > progress.matchIndex) {
    progress.matchIndex = index;
    progress.nextIndex = Math.max(progress.nextIndex, index + 1);
  }
  const needsSnapshot = progress.matchIndex < member.log.baseIndex;
  if (progress.state === 'probe' && index >= progress.matchIndex) enterReplicate(progress);
  else if (progress.state === 'snapshot' && !needsSnapshot) enterReplicate(progress);
  commitByQuorum(member);
}
