import { commitByQuorum } from './committing.ts';
import { countOwnVote } from './election.ts';
import type { Entry } from './entry.ts';
import type { Member } from './member.ts';
import type { HardState, RaftOutput } from './raft.ts';
import { startReadAttempt } from './reads.ts';
import { sendAppends } from './replication.ts';

const nothing: readonly never[] = [];

export function takeOutput(member: Member): RaftOutput | undefined {
  if (member.role === 'leader') {
    startReadAttempt(member);
    sendAppends(member);
  }
  const persist = takeWrite(member);
  const installedSnapshot = member.snapshotToApply;
  member.snapshotToApply = undefined;
  const committed = takeCommitted(member);
  const { messages, messagesAfterPersist, reads } = member;
  const isIdle =
    !persist && !installedSnapshot && committed.length + messages.length + messagesAfterPersist.length === 0;
  if (isIdle && reads.answers.length === 0) return undefined;
  const output = {
    sequence: member.sequence,
    messages,
    persist,
    messagesAfterPersist,
    installedSnapshot,
    committed,
    reads: reads.answers,
  };
  member.sequence += 1;
  member.messages = [];
  member.messagesAfterPersist = [];
  reads.answers = [];
  return output;
}

/**
 * A commit index alone is not worth a write: after a restart it is learnt again. It never runs ahead of what is durable,
 * since it is written before the entries.
 */
function takeWrite(member: Member): RaftOutput['persist'] {
  const { term, vote, log, disk, sequence, snapshotToWrite } = member;
  const { handedState, handedIndex } = disk;
  const hasNewVote = term !== handedState.term || vote !== handedState.vote;
  if (!hasNewVote && handedIndex === log.lastIndex && !snapshotToWrite) return undefined;
  const commit = Math.max(handedState.commit, Math.min(log.commit, disk.durableIndex));
  const hasNewState = hasNewVote || commit > handedState.commit;
  const hardState: HardState = hasNewState ? { term, vote, commit } : handedState;
  const entries = log.range(handedIndex + 1, log.lastIndex);
  const replacesLog = snapshotToWrite?.replacesLog ?? false;
  disk.begin(sequence, log.lastIndex, hardState, replacesLog ? snapshotToWrite?.snapshot : undefined);
  member.snapshotToWrite = undefined;
  return {
    hardState: hasNewState ? hardState : undefined,
    snapshot: snapshotToWrite?.snapshot,
    replacesLog,
    entries,
  };
}

/** What is committed, once it is durable here too. */
function takeCommitted(member: Member): readonly Entry[] {
  const { log, disk, deliveredIndex } = member;
  const end = Math.min(log.commit, disk.durableIndex);
  if (end <= deliveredIndex || deliveredIndex < log.baseIndex) return nothing;
  member.deliveredIndex = end;
  return log.range(deliveredIndex + 1, end);
}

/** The disk has got this far: votes and acknowledgements of this member count from now on, where they still can. */
export function persisted(member: Member, sequence: number): void {
  const installed = member.disk.finish(sequence);
  if (installed) {
    member.snapshotToApply = installed;
    member.deliveredIndex = installed.meta.index;
  }
  countOwnVote(member);
  if (member.role === 'leader') commitByQuorum(member);
}
