import { limits } from '../../base/limits.ts';

/** A float64 is the most that a packed sum takes, near enough. */
const bytesPerValue = 8;
/** An exchange that takes this many times what its slowest link needs is given up. */
const patience = 4;

/** Time for an exchange of `length` values over links of which the slowest has `bytesPerSecond`. */
export function ringTimeoutMs(
  length: number,
  members: number,
  bytesPerSecond: number = limits.ringBytesPerSecondFirst,
): number {
  const bytes = (2 * (members - 1) * length * bytesPerValue) / members;
  return bounded((patience * bytes * 1000) / bytesPerSecond);
}

/** Time for handing one sum in. */
export function ringUploadTimeoutMs(
  length: number,
  bytesPerSecond: number = limits.ringBytesPerSecondFirst,
): number {
  return bounded((patience * length * bytesPerValue * 1000) / bytesPerSecond);
}

function bounded(timeoutMs: number): number {
  return Math.ceil(Math.min(limits.ringTimeoutMsMax, limits.ringTimeoutMsMin + timeoutMs));
}
