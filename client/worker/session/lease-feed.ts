import type { Timers } from '../../../shared/protocol/timers.ts';
import type { Coordinator, LeaseAnswer } from './coordinator.ts';
import type { HeldLease } from './lease.ts';
import { actionOf, messageOf } from './refusal.ts';
import { cancelled, delay } from './waiting.ts';

/** An answer that came sooner than this without a lease did not wait for work; the next call does it instead. */
const hastyAnswerMs = 100;
const hastyPauseMs = 500;
/** A worker that waits for longer than this says so; between two units it does not wait at all. */
const idleNoticeMs = 1_000;

/**
 * Leases in the order in which they were granted. While a unit is computed the next lease is already here or asked
 * for; an idle worker asks for one only, so that it takes no unit from another idle worker.
 */
export interface LeaseFeed {
  /** Ends the work on the lease given before. @throws what a lease call threw, or `cancelled`. */
  next(): Promise<HeldLease>;
  /** The lease being worked on and those waiting: what has to be given back when the worker stops. */
  outstanding(): readonly HeldLease[];
}

export interface LeaseFeedOptions {
  readonly coordinator: Coordinator;
  readonly jobId: string;
  readonly timers: Timers;
  readonly signal: AbortSignal;
  /** A lease is here: download its data. */
  readonly onGranted: (lease: HeldLease) => void;
  /** There is no work, and why. */
  readonly onEmpty: (reason: string) => void;
}

export function createLeaseFeed(options: LeaseFeedOptions): LeaseFeed {
  const { timers, signal } = options;
  const queue: HeldLease[] = [];
  let current: HeldLease | undefined;
  let asking = false;
  let failure: unknown;
  let wake: (() => void) | undefined;

  const askOnce = async (): Promise<void> => {
    const askedAtMs = timers.nowMs();
    const { lease, reason } = await leaseOrReason(options);
    if (lease) {
      queue.push(lease);
      options.onGranted(lease);
      return;
    }
    if (current === undefined) options.onEmpty(reason);
    if (timers.nowMs() - askedAtMs < hastyAnswerMs) await delay(timers, hastyPauseMs, signal);
  };

  const ask = async (): Promise<void> => {
    if (asking) return;
    asking = true;
    try {
      while (queue.length === 0) await askOnce();
    } catch (error) {
      failure = error;
    }
    asking = false;
    wake?.();
  };

  return {
    async next() {
      current = undefined;
      for (;;) {
        if (signal.aborted) throw cancelled();
        if (failure !== undefined) throw failure;
        current = queue.shift();
        void ask();
        if (current) return current;
        const dropNotice = timers.after(idleNoticeMs, () => options.onEmpty(''));
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        dropNotice();
      }
    },
    outstanding: () => (current ? [current, ...queue] : queue),
  };
}

/** A job that does not run now is a reason to wait like any other. */
async function leaseOrReason({ coordinator, jobId, timers, signal }: LeaseFeedOptions): Promise<LeaseAnswer> {
  try {
    return await coordinator.lease(jobId, timers.nowMs, signal);
  } catch (error) {
    if (signal.aborted || actionOf(error) !== 'goOn') throw error;
    return { lease: undefined, reason: messageOf(error) };
  }
}
