import type { Timers } from '../protocol/timers.ts';

/** The clock and the timers of whatever this runs in; time since an arbitrary start, which no correction of the clock moves. */
export const systemTimers: Timers = {
  nowMs: () => performance.now(),
  after(delayMs, task) {
    const timer = setTimeout(task, delayMs);
    return () => clearTimeout(timer);
  },
};
