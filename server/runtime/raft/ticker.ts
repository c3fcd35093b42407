import { limits } from '../../../shared/base/limits.ts';

/** Calls `onTicks` as time goes by, until the function that it returns is called. */
export type StartTicker = (onTicks: (count: number) => void) => () => void;

/**
 * On the monotonic clock: clocks that jump mean nothing here. A timer that comes late, because the process or the
 * machine was stopped, makes up for a few ticks, and the rest of that time never was.
 */
export const startTicker: StartTicker = (onTicks) => {
  const { raftTickMs, raftTicksAtOnceMax } = limits;
  let lastMs = performance.now();
  const timer = setInterval(() => {
    const elapsed = Math.floor((performance.now() - lastMs) / raftTickMs);
    const count = Math.max(1, Math.min(elapsed, raftTicksAtOnceMax));
    lastMs = elapsed > raftTicksAtOnceMax ? performance.now() : lastMs + count * raftTickMs;
    onTicks(count);
  }, raftTickMs);
  return () => clearInterval(timer);
};
