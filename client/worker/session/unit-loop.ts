import { GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';
import { backoffDelayMs } from './backoff.ts';
import type { HeldLease } from './lease.ts';
import { createLeaseFeed } from './lease-feed.ts';
import { actionOf, messageOf, WorkerFailure } from './refusal.ts';
import { createUnitServer, type UnitServerOptions } from './unit-server.ts';
import { delay } from './waiting.ts';

export interface UnitLoop {
  /**
   * Serves one lease after the other, until the signal; the unit under way is computed to its end and dropped. Never
   * resolves.
   * @throws whatever ends the session
   */
  run(): Promise<never>;
  /** Leases that have to be given back. */
  outstanding(): readonly HeldLease[];
}

/** The training loop of a worker: lease, data, parameters, compute, hand in. */
export function createUnitLoop(options: UnitServerOptions): UnitLoop {
  const { state, desk, signal } = options;
  const { ports, board, shelf, identity, coordinator } = state;
  const { timers, chance, breathe } = ports;
  const units = createUnitServer(options);
  let failures = 0;

  const feed = createLeaseFeed({
    coordinator,
    jobId: identity.jobId,
    timers,
    signal,
    onGranted: units.prepare,
    onEmpty: (reason) =>
      board.update({ phase: 'waiting', phaseText: `waiting for work${reason ? `: ${reason}` : ''}` }),
  });

  /** Gives the unit to others and tries the next one a little later, a few times. */
  const bearFailure = async (lease: HeldLease, error: unknown): Promise<void> => {
    failures++;
    const message = messageOf(error);
    desk.giveBack(lease);
    shelf.get(lease.jobId)?.forgetRunner();
    board.update({ lastError: message });
    if (failures >= limits.unitFailuresMax) {
      throw new WorkerFailure(`${failures} units in a row could not be computed. The last error: ${message}`);
    }
    const { reconnectDelayMsMin, reconnectDelayMsMax } = limits;
    await delay(timers, backoffDelayMs(failures, reconnectDelayMsMin, reconnectDelayMsMax, chance()), signal);
  };

  const run = async (): Promise<never> => {
    for (;;) {
      const lease = await feed.next();
      try {
        await units.serve(lease);
        failures = 0;
      } catch (error) {
        if (signal.aborted || endsSession(error)) throw error;
        await bearFailure(lease, error);
      } finally {
        units.forget(lease);
      }
      await breathe();
    }
  };

  return { run, outstanding: feed.outstanding };
}

/** Failures of data, kernels and values end only the unit. */
function endsSession(error: unknown): boolean {
  if (error instanceof WorkerFailure) return true;
  if (!(error instanceof GradswarmError)) return false;
  return error.code === 'connectionLost' || error.code === 'notRegistered' || actionOf(error) === 'stop';
}
