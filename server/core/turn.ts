import type { ErrorCode } from '../../shared/base/errors.ts';
import type { CoordinatorState } from './coordinator-state.ts';
import type { CallRef, Effect } from './events.ts';

/** One event being handled: what every handler reads and writes. Effects are executed in the order of the list. */
export interface Turn {
  readonly state: CoordinatorState;
  readonly nowMs: number;
  readonly effects: Effect[];
}

export function refuse(turn: Turn, call: CallRef, code: ErrorCode, message: string, field?: string): void {
  turn.effects.push({ kind: 'refuse', call, code, message, ...(field === undefined ? {} : { field }) });
}

export function log(
  turn: Turn,
  level: 'info' | 'warn' | 'error',
  message: string,
  fields: Readonly<Record<string, string | number>>,
): void {
  turn.effects.push({ kind: 'log', level, message, fields });
}
