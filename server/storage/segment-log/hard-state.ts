import type { LogRecord } from './record.ts';

/** What a member of a cluster must never forget: the highest term it saw, its vote there, and what it knows committed. */
export interface HardState {
  readonly term: number;
  readonly vote: string;
  readonly commit: number;
}

export const initialHardState: HardState = { term: 0, vote: '', commit: 0 };

export function encodeHardState(state: HardState): LogRecord {
  const payload = new TextEncoder().encode(state.vote);
  return { type: 'hardState', index: state.commit, term: state.term, payload };
}

export function decodeHardState(record: LogRecord): HardState {
  return { term: record.term, vote: new TextDecoder().decode(record.payload), commit: record.index };
}
