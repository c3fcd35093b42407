import { limits } from '../../shared/base/limits.ts';

/** Of the interval that may be taken away. */
const spread = 0.25;
/** Multiples of it are as evenly spaced in [0, 1) as can be (the golden ratio). */
const step = (Math.sqrt(5) - 1) / 2;

/**
 * How often the n-th worker is to send a heartbeat: each a little differently, so that those that came back together,
 * as all do after a restart, fall out of step. A thousand in one turn of the event loop would hold up every lease.
 */
export function heartbeatIntervalMs(registered: number): number {
  return Math.round(limits.heartbeatIntervalMs * (1 - spread * ((registered * step) % 1)));
}
