import { GradswarmError } from '../../shared/base/errors.ts';
import { limits } from '../../shared/base/limits.ts';
import type { Timers } from '../../shared/protocol/timers.ts';

/** What can be closed: one connection. */
interface Closable {
  close(error: GradswarmError): void;
}

/** Closes connections that do not introduce themselves in time. */
export interface HandshakeWatch<C extends Closable> {
  expect(connection: C): void;
  ended(connection: C): void;
}

/** One timer for all of them: each has the same time, so the first to come is the first to be late. */
export function createHandshakeWatch<C extends Closable>(
  firstMethod: string,
  isDone: (connection: C) => boolean,
  timers: Timers,
): HandshakeWatch<C> {
  /** Until when, in order of arrival. */
  const expected = new Map<C, number>();
  let stopTimer: (() => void) | undefined;

  const first = (): [connection: C, untilMs: number] | undefined => expected.entries().next().value;

  const closeLate = (): void => {
    stopTimer = undefined;
    const now = timers.nowMs();
    for (let next = first(); next !== undefined && next[1] <= now; next = first()) {
      const [connection] = next;
      expected.delete(connection);
      if (isDone(connection)) continue;
      const late = `no ${firstMethod} within ${limits.handshakeTimeoutMs} ms`;
      connection.close(new GradswarmError('unauthenticated', late));
    }
    schedule();
  };

  const schedule = (): void => {
    const next = first();
    if (next !== undefined) stopTimer ??= timers.after(Math.max(0, next[1] - timers.nowMs()), closeLate);
  };

  return {
    expect(connection) {
      expected.set(connection, timers.nowMs() + limits.handshakeTimeoutMs);
      schedule();
    },
    ended(connection) {
      expected.delete(connection);
      if (expected.size > 0) return;
      stopTimer?.();
      stopTimer = undefined;
    },
  };
}
