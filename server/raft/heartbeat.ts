import { type Member, send } from './member.ts';

/** Tells every follower that this leader lives, and asks for confirmation of the newest read that waits. */
export function sendHeartbeats(member: Member): void {
  const { log, progress, reads } = member;
  const readId = reads.attempts.at(-1)?.id ?? 0;
  member.heartbeatElapsed = 0;
  for (const { id, matchIndex } of progress.values()) {
    send(member, id, { kind: 'heartbeat', commit: Math.min(log.commit, matchIndex), readId });
  }
}
