import { type LogPosition, SessionTable } from '../../server/raft/session-table.ts';
import type { TestMember } from '../unit/server/raft/support/test-member.ts';

/** What a member has made of its log: every command, and of those that were proposed twice only the first. */
export interface State {
  /** Of the last entry applied. */
  readonly index: number;
  readonly committed: readonly string[];
  readonly applied: readonly string[];
  readonly sessions: SessionTable;
}

/** Of the snapshot that it began with, or was sent, and the entries behind it. */
export function stateOf(member: TestMember): State {
  const start = member.installed.at(-1) ?? member.startSnapshot;
  let { index, committed, applied, sessions } = start ? decode(start.bytes) : empty();
  for (const entry of member.applied) {
    if (entry.index <= (start?.meta.index ?? 0)) continue;
    if (entry.index !== index + 1) throw new Error(`${member.id} applies ${entry.index} after ${index}.`);
    index = entry.index;
    if (entry.body.kind !== 'command') continue;
    const text = new TextDecoder().decode(entry.body.bytes);
    const position: LogPosition = { index, epoch: 0 };
    committed = [...committed, text];
    if (sessions.find(entry.body.proposal) !== 'new') continue;
    sessions.record(entry.body.proposal, position);
    applied = [...applied, text];
  }
  return { index, committed, applied, sessions };
}

function empty(): State {
  return { index: 0, committed: [], applied: [], sessions: new SessionTable() };
}

export function encode({ index, committed, applied, sessions }: State): Uint8Array {
  const table = [...sessions.encode()];
  return new TextEncoder().encode(JSON.stringify({ index, committed, applied, table }));
}

function decode(bytes: Uint8Array): State {
  const { index, committed, applied, table } = JSON.parse(new TextDecoder().decode(bytes)) as State & {
    readonly table: readonly number[];
  };
  return { index, committed, applied, sessions: SessionTable.decode(Uint8Array.from(table)) };
}
