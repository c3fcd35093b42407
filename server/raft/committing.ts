import { isJoint, isVoter } from './cluster-configuration.ts';
import { appendAsLeader } from './leading.ts';
import { type Member, send } from './member.ts';
import { leaveJoint } from './membership.ts';
import { quorumValue } from './quorum.ts';
import { becomeFollower } from './roles.ts';

/**
 * Commits what a quorum holds durably, this member's own disk counted like any other. Only an entry of the own term is
 * ever committed by counting; what lies before it comes along (Ongaro and Ousterhout 2014, section 5.4.2).
 */
export function commitByQuorum(member: Member): void {
  const { log, progress, disk, id } = member;
  const index = quorumValue(log.configuration, (voter) =>
    voter === id ? disk.durableIndex : (progress.get(voter)?.matchIndex ?? 0),
  );
  if (index <= log.commit || log.termAt(index) !== member.term) return;
  member.uncommittedBytes -= log.bytesBetween(log.commit + 1, index);
  log.commit = index;
  if (log.configurationIndex <= index) onConfigurationCommitted(member);
}

/** A joint configuration is left at once; whoever the final one does not count leaves its office (Ongaro 2014, 4.3). */
function onConfigurationCommitted(member: Member): void {
  const { configuration } = member.log;
  if (isJoint(configuration)) {
    appendAsLeader(member, { kind: 'configuration', configuration: leaveJoint(configuration) });
  } else if (!isVoter(configuration, member.id)) {
    resign(member);
  }
}

/** The follower that is furthest takes over without waiting for a timeout; the others learn what is committed. */
function resign(member: Member): void {
  const { log, progress } = member;
  const { voters } = log.configuration;
  let successor = '';
  let furthest = 0;
  for (const { id, matchIndex } of progress.values()) {
    send(member, id, { kind: 'heartbeat', commit: Math.min(log.commit, matchIndex), readId: 0 });
    if (!voters.includes(id) || matchIndex <= furthest) continue;
    successor = id;
    furthest = matchIndex;
  }
  if (successor !== '') send(member, successor, { kind: 'timeoutNow' });
  becomeFollower(member, member.term, undefined);
}

/** A follower commits what its leader says is, as far as it is known to agree with it. */
export function commitTo({ log }: Member, index: number): void {
  log.commit = Math.max(log.commit, Math.min(index, log.lastIndex));
}
