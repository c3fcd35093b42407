/** Allows `perSecond` on average and bursts of `capacity`. */
export interface TokenBucket {
  /** Takes one token; false when there is none. */
  take(nowMs: number): boolean;
}

/** A class, because there is one for every connection: closures take twice the memory. */
class FilledBucket implements TokenBucket {
  private readonly perSecond: number;
  private readonly capacity: number;
  private tokens: number;
  private updatedMs = Number.NaN;

  constructor(perSecond: number, capacity: number) {
    this.perSecond = perSecond;
    this.capacity = capacity;
    this.tokens = capacity;
  }

  take(nowMs: number): boolean {
    const elapsedMs = Number.isNaN(this.updatedMs) ? 0 : Math.max(0, nowMs - this.updatedMs);
    this.tokens = Math.min(this.capacity, this.tokens + (elapsedMs * this.perSecond) / 1_000);
    this.updatedMs = nowMs;
    if (this.tokens < 1) return false;
    this.tokens -= 1;
    return true;
  }
}

export function createTokenBucket(perSecond: number, capacity: number): TokenBucket {
  return new FilledBucket(perSecond, capacity);
}
