import { assert } from '../../shared/base/assert.ts';
import { commitByQuorum } from './committing.ts';
import { isActive, type Member, send } from './member.ts';
import type { Message } from './message.ts';
import { enterReplicate, enterSnapshot, type Progress } from './progress.ts';

/**
 * Snapshots travel beside appends and heartbeats, one chunk at a time to each follower, so that a large one delays
 * nothing. What the follower names as missing is sent next, so a transfer survives loss, and a restart on either side.
 */
export function startTransfer(member: Member, progress: Progress): void {
  const { snapshot } = member;
  assert(snapshot !== undefined, 'what was dropped from the log is in a snapshot');
  // To one that is away it would be sent in vain; it is heard of when it is back.
  if (!isActive(member, progress)) return;
  enterSnapshot(progress, snapshot, member.options.heartbeatTicks);
  sendChunk(member, progress);
}

export function sendChunk(member: Member, progress: Progress): void {
  const { transfer } = progress;
  if (!transfer || transfer.isChunkUnderWay) return;
  const { meta, bytes } = transfer.snapshot;
  if (meta.index < member.log.baseIndex) {
    // The log behind it is gone, so that it would have to be followed by a newer one anyway.
    startTransfer(member, progress);
    return;
  }
  const { offset } = transfer;
  const chunk = bytes.subarray(offset, offset + member.options.snapshotChunkBytes);
  send(member, progress.id, { kind: 'snapshotChunk', meta, offset, bytes: chunk });
  transfer.isChunkUnderWay = true;
  transfer.sentAtTick = member.nowTick;
}

/** Sends a chunk again when nothing was heard of it, each time more patiently: the link may just be slow. */
export function repeatChunk(member: Member, progress: Progress): void {
  const { transfer } = progress;
  if (!transfer?.isChunkUnderWay || !isActive(member, progress)) return;
  if (member.nowTick - transfer.sentAtTick < transfer.patienceTicks) return;
  transfer.isChunkUnderWay = false;
  transfer.patienceTicks = Math.min(2 * transfer.patienceTicks, member.options.electionTicks);
}

export function onSnapshotReply(
  member: Member,
  progress: Progress,
  { index, offset }: Extract<Message, { kind: 'snapshotReply' }>,
): void {
  const { transfer } = progress;
  if (transfer?.snapshot.meta.index !== index) return;
  if (offset >= transfer.snapshot.meta.totalBytes) {
    progress.matchIndex = Math.max(progress.matchIndex, index);
    enterReplicate(progress);
    commitByQuorum(member);
  } else if (offset !== transfer.offset) {
    transfer.offset = offset;
    transfer.isChunkUnderWay = false;
    transfer.patienceTicks = Math.max(transfer.patienceTicks / 2, member.options.heartbeatTicks);
  }
}
