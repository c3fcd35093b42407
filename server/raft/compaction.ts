import { assert } from '../../shared/base/assert.ts';
import { limits } from '../../shared/base/limits.ts';
import { hasSameMembers } from './cluster-configuration.ts';
import { isActive, type Member } from './member.ts';
import type { Snapshot } from './raft.ts';

/** Lets go of the log before `keepFrom`, for which the snapshot stands from now on. */
export function compact(member: Member, snapshot: Snapshot, keepFrom: number): void {
  const { log, deliveredIndex } = member;
  const { index, term, configuration } = snapshot.meta;
  // One of a leader was installed while this one was made.
  if (member.snapshot && index <= member.snapshot.meta.index) return;
  // Of one that was added later, before the entry that added it: it cannot tell its successors who counted then.
  if (log.configurationAt(index).voters.length === 0) return;
  assert(index <= deliveredIndex, `entry ${index} was handed out to be applied`);
  assert(log.termAt(index) === term, `the snapshot has the term of entry ${index}`);
  assert(
    hasSameMembers(log.configurationAt(index), configuration),
    `the snapshot has the configuration of entry ${index}`,
  );
  member.snapshot = snapshot;
  member.snapshotToWrite = { snapshot, replacesLog: false };
  log.dropThrough(Math.min(keepFrom - 1, index, heldAfter(member)));
}

/**
 * What follows a snapshot that is on its way is kept, or its receiver would need the next one as soon as it has this
 * one, and so on for ever. Not at any price: one that is away, or so slow that the log has grown large, starts again.
 */
function heldAfter(member: Member): number {
  if (member.log.bytes > limits.raftHeldLogBytesMax) return Number.POSITIVE_INFINITY;
  let held = Number.POSITIVE_INFINITY;
  for (const progress of member.progress.values()) {
    if (!progress.transfer || !isActive(member, progress)) continue;
    held = Math.min(held, progress.transfer.snapshot.meta.index);
  }
  return held;
}
