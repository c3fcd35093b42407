import { GradswarmError } from '../../../shared/base/errors.ts';
import type { Timers } from '../../../shared/protocol/timers.ts';

/** Waits `ms`. @throws GradswarmError `cancelled` when the signal is aborted before. */
export function delay(timers: Timers, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(cancelled());
      return;
    }
    const onAbort = (): void => {
      stop();
      reject(cancelled());
    };
    const stop = timers.after(ms, () => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

/** `work`, or whatever the abort gives when it comes first. @throws GradswarmError `cancelled`. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) throw cancelled();
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(cancelled());
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    if (onAbort) signal.removeEventListener('abort', onAbort);
  }
}

/** Resolves when `work` ends in any way, or after `ms`. */
export async function settledWithin(timers: Timers, work: Promise<unknown>, ms: number): Promise<void> {
  let stop: (() => void) | undefined;
  const late = new Promise<void>((resolve) => {
    stop = timers.after(ms, resolve);
  });
  await Promise.race([work.then(nothing, nothing), late]);
  stop?.();
}

function nothing(): void {}

/** Waiters for something that others bring about. */
export interface Watch {
  /** Lets every waiter look again. */
  wake(): void;
  /** Resolves true once `condition` holds, false after `ms`. @throws GradswarmError `cancelled`. */
  until(condition: () => boolean, ms: number, signal: AbortSignal): Promise<boolean>;
}

export function createWatch(timers: Timers): Watch {
  const waiters = new Set<() => void>();
  return {
    wake() {
      for (const look of [...waiters]) look();
    },
    async until(condition, ms, signal) {
      if (condition()) return true;
      const done = new AbortController();
      const held = new Promise<void>((resolve) => {
        const look = (): void => {
          if (condition()) resolve();
        };
        waiters.add(look);
        done.signal.addEventListener('abort', () => waiters.delete(look));
      });
      const either = AbortSignal.any([signal, done.signal]);
      try {
        return await Promise.race([held.then(() => true), delay(timers, ms, either).then(() => false)]);
      } finally {
        done.abort();
      }
    },
  };
}

export function cancelled(): GradswarmError {
  return new GradswarmError('cancelled', 'The worker was stopped.');
}
