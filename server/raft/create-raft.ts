import { compact } from './compaction.ts';
import { startHandover } from './handover.ts';
import { createMember } from './member.ts';
import { persisted, takeOutput } from './output.ts';
import { changeMembership, propose } from './proposing.ts';
import { createQuarantinedRaft } from './quarantine.ts';
import type { Raft, RaftOptions, RaftStored } from './raft.ts';
import { read } from './reads.ts';
import { statusOf } from './status.ts';
import { step } from './stepping.ts';
import { tick } from './ticking.ts';

export function createRaft(options: RaftOptions, stored: RaftStored): Raft {
  const member = createMember(options, stored);
  if (options.isQuarantined) return createQuarantinedRaft(member);
  return {
    tick: () => tick(member),
    step: (message) => step(member, message),
    propose: (command, proposal) => propose(member, command, proposal),
    changeMembership: (changes) => changeMembership(member, changes),
    transferLeadership: (to) => startHandover(member, to),
    read: (readId) => read(member, readId),
    persisted: (sequence) => persisted(member, sequence),
    compact: (snapshot, keepFrom) => compact(member, snapshot, keepFrom),
    takeOutput: () => takeOutput(member),
    status: () => statusOf(member),
  };
}
