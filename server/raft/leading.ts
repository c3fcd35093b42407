import { membersOf } from './cluster-configuration.ts';
import type { EntryBody } from './entry.ts';
import { entryBytes } from './entry.ts';
import type { Member } from './member.ts';
import { createProgress } from './progress.ts';

/** Appends in the leader's own log; followers are sent it with the next output. Leaders never replace an entry. */
export function appendAsLeader(member: Member, body: EntryBody): number {
  const { log } = member;
  const entry = { index: log.lastIndex + 1, term: member.term, body };
  log.append(entry);
  member.uncommittedBytes += entryBytes(entry);
  if (body.kind === 'configuration') followConfiguration(member);
  return entry.index;
}

/** Keeps a progress for exactly the other members of the configuration in force. */
function followConfiguration(member: Member): void {
  const { log, progress } = member;
  const members = membersOf(log.configuration);
  for (const id of progress.keys()) if (!members.includes(id)) progress.delete(id);
  for (const id of members) {
    if (id === member.id || progress.has(id)) continue;
    progress.set(id, createProgress(id, log.lastIndex + 1, member.nowTick, member.options));
  }
  if (member.handover && !log.configuration.voters.includes(member.handover.to)) member.handover = undefined;
}

/** The election is won. The first entry of the term commits what earlier terms left behind (section 5.4.2). */
export function becomeLeader(member: Member): void {
  const { log } = member;
  member.role = 'leader';
  member.leader = member.id;
  member.votes.clear();
  // A leader hears itself.
  member.electionElapsed = 0;
  member.heartbeatElapsed = 0;
  member.uncommittedBytes = log.bytesBetween(log.commit + 1, log.lastIndex);
  followConfiguration(member);
  appendAsLeader(member, { kind: 'noop' });
}
