/** Longest step between two readings; the coordinator reads its clock several times a second. */
const stepMsMax = 1_000;

/**
 * Milliseconds since 1970 as they were at the start, and from there on as the process lives: the time of leases and
 * heartbeats. A clock that is set moves nothing. A process that was stopped, or was busy for long, has heard nobody
 * meanwhile, so that time must not end what it granted: of a longer gap one step is counted.
 */
export function createSteadyClock(
  wallMs: () => number = () => Date.now(),
  monotonicMs: () => number = () => performance.now(),
): () => number {
  let nowMs = wallMs();
  let readAtMs = monotonicMs();
  return () => {
    const atMs = monotonicMs();
    nowMs += Math.min(atMs - readAtMs, stepMsMax);
    readAtMs = atMs;
    return Math.floor(nowMs);
  };
}
