import { type Member, send } from './member.ts';
import type { Progress } from './progress.ts';
import type { Refused } from './raft.ts';

/** Leadership goes to a voter that has the whole log, by asking it to campaign at once (Ongaro 2014, section 3.10). */
export function startHandover(member: Member, to: string): { readonly kind: 'started' } | Refused {
  const { role, leader, handover, log, id, progress } = member;
  if (role !== 'leader') return { kind: 'notLeader', leader };
  if (to === id) return bad(`${id} is the leader already.`);
  if (!log.configuration.voters.includes(to)) return bad(`${to} is not a voter; only a voter can lead.`);
  if (handover && handover.to !== to) {
    return { kind: 'refused', reason: 'transferring', message: `Leadership is going to ${handover.to}.` };
  }
  member.handover ??= { to, elapsedTicks: 0 };
  const target = progress.get(to);
  if (target) continueHandover(member, target);
  return { kind: 'started' };
}

function bad(message: string): Refused {
  return { kind: 'refused', reason: 'badChange', message };
}

/** Called whenever the target may have caught up, or the request may have been lost. */
export function continueHandover(member: Member, { id, matchIndex }: Progress): void {
  if (member.handover?.to === id && matchIndex === member.log.lastIndex) {
    send(member, id, { kind: 'timeoutNow' });
  }
}

export function tickHandover(member: Member): void {
  const { handover, options } = member;
  if (!handover) return;
  handover.elapsedTicks += 1;
  if (handover.elapsedTicks >= options.transferTicks) member.handover = undefined;
}
