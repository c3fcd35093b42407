import { limits } from '../../shared/base/limits.ts';

/**
 * Exponential back-off with full jitter, so that the clients of a restarted coordinator do not all come at once.
 * `chance` is uniform in [0, 1).
 */
export function reconnectDelayMs(attempt: number, chance: number): number {
  const ceiling = Math.min(limits.reconnectDelayMsMax, limits.reconnectDelayMsMin * 2 ** attempt);
  return limits.reconnectDelayMsMin + (ceiling - limits.reconnectDelayMsMin) * chance;
}
