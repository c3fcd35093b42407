import { membersOf } from './cluster-configuration.ts';
import type { EntryBody } from './entry.ts';
import { entryBytes } from './entry.ts';
import { isActive, type Member } from './member.ts';
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

/**
 * Keeps a progress for every other member of the configuration in force, and of the one that is committed: whoever was
 * removed counts no more, but is told. One that is added anew may have lost its log, and begins without a past.
 */
function followConfiguration(member: Member): void {
  const { log, progress } = member;
  const members = membersOf(log.configuration);
  const leaving = membersOf(log.configurationAt(log.commit)).filter((id) => !members.includes(id));
  for (const [id, { isLeaving }] of progress) {
    if (isLeaving || !(members.includes(id) || leaving.includes(id))) progress.delete(id);
  }
  for (const id of [...members, ...leaving]) {
    if (id === member.id) continue;
    const known = progress.get(id) ?? createProgress(id, log.lastIndex + 1, member.nowTick, member.options);
    known.isLeaving = leaving.includes(id);
    progress.set(id, known);
  }
  if (member.handover && !log.configuration.voters.includes(member.handover.to)) member.handover = undefined;
}

/** Called behind heartbeats, which told the leavers what is committed; their removal is, or they do not listen. */
export function dismissLeavers(member: Member): void {
  const { log, progress } = member;
  for (const leaver of progress.values()) {
    if (!leaver.isLeaving || log.configurationIndex > log.commit) continue;
    if (leaver.matchIndex >= log.configurationIndex || !isActive(member, leaver)) progress.delete(leaver.id);
  }
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
