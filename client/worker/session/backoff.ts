/**
 * Exponential back-off with full jitter (Brooker 2015, "Exponential Backoff and Jitter"): a crowd that lost its
 * coordinator comes back spread over the delay. The lower bound keeps a lone worker from spinning.
 * @param attempt 0 for the first failure
 * @param chance uniform in [0, 1)
 */
export function backoffDelayMs(attempt: number, minMs: number, maxMs: number, chance: number): number {
  const ceiling = Math.min(maxMs, minMs * 2 ** Math.min(attempt, 30));
  return minMs / 2 + chance * (ceiling - minMs / 2);
}
