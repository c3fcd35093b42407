import { isVoter } from './cluster-configuration.ts';
import { isActive, type Member } from './member.ts';
import type { FollowerProgress, RaftStatus } from './raft.ts';

export function statusOf(member: Member): RaftStatus {
  const { id, role, term, leader, log, handover } = member;
  const { configuration } = log;
  const isLearner = role === 'follower' && !isVoter(configuration, id);
  return {
    id,
    role: isLearner ? 'learner' : role,
    term,
    leader,
    commit: log.commit,
    firstIndex: log.firstIndex,
    lastIndex: log.lastIndex,
    configuration,
    progress: progressOf(member),
    transferTarget: handover?.to,
  };
}

function progressOf(member: Member): ReadonlyMap<string, FollowerProgress> {
  const rows = [...member.progress.values()].map((progress) => {
    const { id, matchIndex, state } = progress;
    return [id, { matchIndex, state, isActive: isActive(member, progress) }] as const;
  });
  return new Map(rows);
}
