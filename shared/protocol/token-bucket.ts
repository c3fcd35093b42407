/** Allows `perSecond` on average and bursts of `capacity`. */
export interface TokenBucket {
  /** Takes one token; false when there is none. */
  take(nowMs: number): boolean;
}

export function createTokenBucket(perSecond: number, capacity: number): TokenBucket {
  let tokens = capacity;
  let updatedMs = Number.NaN;
  return {
    take(nowMs) {
      const elapsedMs = Number.isNaN(updatedMs) ? 0 : Math.max(0, nowMs - updatedMs);
      tokens = Math.min(capacity, tokens + (elapsedMs * perSecond) / 1_000);
      updatedMs = nowMs;
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
  };
}
