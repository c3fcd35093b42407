import { GradswarmError } from '../../shared/base/errors.ts';
import { limits } from '../../shared/base/limits.ts';
import type { ServedConnection } from '../../shared/protocol/rpc-server.ts';
import type { Timers } from '../../shared/protocol/timers.ts';

/** Closes a connection that has not introduced itself in time. */
export function expectHandshake(
  served: ServedConnection,
  isDone: () => boolean,
  firstMethod: string,
  timers: Timers,
): void {
  const stopTimer = timers.after(limits.handshakeTimeoutMs, () => {
    if (isDone()) return;
    const late = `no ${firstMethod} within ${limits.handshakeTimeoutMs} ms`;
    served.close(new GradswarmError('unauthenticated', late));
  });
  void served.closed.then(stopTimer);
}
