import type { Member } from './member.ts';
import type { Message } from './message.ts';
import type { Raft, RaftOutput, Refused } from './raft.ts';
import { statusOf } from './status.ts';

/**
 * A member that cannot trust what its disk holds. It may have forgotten a vote or an acknowledgement, so that any word
 * of it could undo what was decided with its help. It says nothing, and only watches who leads.
 */
export function createQuarantinedRaft(member: Member): Raft {
  const refused = (): Refused => ({ kind: 'notLeader', leader: member.leader });
  return {
    tick: () => undefined,
    step: (message) => watch(member, message),
    propose: refused,
    changeMembership: refused,
    transferLeadership: refused,
    read: (readId) => {
      member.reads.answers.push({ readId, index: undefined });
    },
    persisted: () => undefined,
    compact: () => undefined,
    takeOutput: () => takeAnswers(member),
    status: () => statusOf(member),
  };
}

function watch(member: Member, { kind, to, from, term }: Message): void {
  if (to !== member.id || term < member.term) return;
  if (kind !== 'append' && kind !== 'heartbeat' && kind !== 'snapshotChunk') return;
  member.term = term;
  member.leader = from;
}

function takeAnswers(member: Member): RaftOutput | undefined {
  const reads = member.reads.answers;
  if (reads.length === 0) return undefined;
  member.reads.answers = [];
  member.sequence += 1;
  return {
    sequence: member.sequence,
    messages: [],
    persist: undefined,
    messagesAfterPersist: [],
    installedSnapshot: undefined,
    committed: [],
    reads,
  };
}
