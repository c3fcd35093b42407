import { GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';
import { backoffDelayMs } from './backoff.ts';
import type { ComputedUnit } from './contribution-desk.ts';
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

export interface UnitLoopOptions extends UnitServerOptions {
  /** A result could not be handed in, and the session cannot go on. */
  readonly onFatal: (error: unknown) => void;
}

/**
 * The training loop of a worker: lease, data, parameters, compute, hand in. Where the engine computes beside this
 * thread, a result is handed in while the next unit is computed; at most one waits for it.
 */
export function createUnitLoop(options: UnitLoopOptions): UnitLoop {
  const { state, desk, signal, onFatal } = options;
  const { ports, board, shelf, identity, coordinator, engine } = state;
  const { timers, chance, breathe } = ports;
  const units = createUnitServer(options);
  /** Jobs whose result could not be handed in while their runner computed the next unit. */
  const broken = new Set<string>();
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
    board.update({ lastError: message });
    if (failures >= limits.unitFailuresMax) {
      throw new WorkerFailure(`${failures} units in a row could not be computed. The last error: ${message}`);
    }
    const { reconnectDelayMsMin, reconnectDelayMsMax } = limits;
    await delay(timers, backoffDelayMs(failures, reconnectDelayMsMin, reconnectDelayMsMax, chance()), signal);
  };

  /** Of results that wait while the next unit is computed: the feed no longer knows their leases. */
  const unsent = new Set<HeldLease>();
  let handingIn: Promise<void> = Promise.resolve();

  const handIn = async (unit: ComputedUnit): Promise<void> => {
    await desk.handIn(unit);
    failures = 0;
  };

  /** Never rejects; the next unit is on its way to the engine before this one is encoded. */
  const handInMeanwhile = async (unit: ComputedUnit): Promise<void> => {
    unsent.add(unit.lease);
    await breathe();
    try {
      await handIn(unit).finally(() => unsent.delete(unit.lease));
    } catch (error) {
      if (signal.aborted) return;
      if (endsSession(error)) return onFatal(error);
      broken.add(unit.lease.jobId);
      await bearFailure(unit.lease, error).catch(onFatal);
    }
  };

  const serve = async (lease: HeldLease): Promise<void> => {
    // Nothing is computed at this moment.
    for (const jobId of broken) shelf.get(jobId)?.forgetRunner();
    broken.clear();
    const unit = await units.compute(lease);
    if (unit === undefined) return;
    await handingIn;
    if (engine.computesAside) handingIn = handInMeanwhile(unit);
    else await handIn(unit);
    await units.spend(unit);
  };

  const run = async (): Promise<never> => {
    for (;;) {
      const lease = await feed.next();
      try {
        await serve(lease);
      } catch (error) {
        if (signal.aborted || endsSession(error)) throw error;
        shelf.get(lease.jobId)?.forgetRunner();
        await bearFailure(lease, error);
      } finally {
        units.forget(lease);
      }
      if (!engine.computesAside) await breathe();
    }
  };

  return { run, outstanding: () => [...feed.outstanding(), ...unsent] };
}

/** Failures of data, kernels and values end only the unit. */
function endsSession(error: unknown): boolean {
  if (error instanceof WorkerFailure) return true;
  if (!(error instanceof GradswarmError)) return false;
  return error.code === 'connectionLost' || error.code === 'notRegistered' || actionOf(error) === 'stop';
}
