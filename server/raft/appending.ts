import { commitTo } from './committing.ts';
import type { Entry } from './entry.ts';
import type { Member } from './member.ts';
import { sendWhenDurable } from './member.ts';
import type { Message } from './message.ts';

type Append = Extract<Message, { kind: 'append' }>;

/** The follower's side of the log (Ongaro and Ousterhout 2014, section 5.3). The sender leads this term. */
export function onAppend(member: Member, append: Append): void {
  if (!isWellFormed(append)) return;
  const { log } = member;
  const { previousIndex, previousTerm, entries, from } = append;
  const end = previousIndex + entries.length;
  // What is committed here is part of every later leader's log, so only what lies beyond is compared.
  const known = Math.max(previousIndex, log.commit);
  if (previousIndex >= log.commit && log.termAt(previousIndex) !== previousTerm) {
    refuse(member, append);
    return;
  }
  const skipped = known - previousIndex;
  const atCommit = entries[skipped - 1];
  if (atCommit && atCommit.term !== log.termAt(log.commit)) return;
  takeOver(member, entries, skipped);
  commitTo(member, Math.min(append.commit, end));
  sendWhenDurable(member, from, { kind: 'appendReply', index: Math.max(end, known) });
}

function isWellFormed({ previousIndex, previousTerm, entries, term }: Append): boolean {
  let index = previousIndex;
  let entryTerm = previousTerm;
  for (const entry of entries) {
    if (entry.index !== index + 1 || entry.term < entryTerm) return false;
    index = entry.index;
    entryTerm = entry.term;
  }
  return entryTerm <= term;
}

/** Only an entry that contradicts the leader's ends the log; a shorter append that came late takes nothing away. */
function takeOver(member: Member, entries: readonly Entry[], skipped: number): void {
  const { log, disk } = member;
  for (let position = skipped; position < entries.length; position++) {
    const entry = entries[position];
    if (entry === undefined || log.termAt(entry.index) === entry.term) continue;
    if (entry.index <= log.lastIndex) {
      log.truncateFrom(entry.index);
      disk.truncateFrom(entry.index);
    }
    log.append(entry);
  }
}

/** The hint skips all terms in which the logs cannot agree, so that one refusal is enough for each. */
function refuse(member: Member, { from, previousIndex, previousTerm }: Append): void {
  const { log } = member;
  const hintIndex = Math.max(log.lastOfTerm(previousIndex, previousTerm), log.commit);
  const reject = { hintIndex, hintTerm: log.termAt(hintIndex) ?? 0 };
  sendWhenDurable(member, from, { kind: 'appendReply', index: previousIndex, reject });
}
