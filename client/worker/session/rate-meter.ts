const windowMs = 60_000;

/** Samples per second over the last minute; before that, over the time since the first unit began. */
export interface RateMeter {
  /** A unit of `samples` ended now, after `computeMs`. */
  add(samples: number, computeMs: number, nowMs: number): void;
  perSecond(nowMs: number): number;
}

export function createRateMeter(): RateMeter {
  const entries: { readonly atMs: number; readonly samples: number }[] = [];
  let startedAtMs: number | undefined;
  let sum = 0;
  return {
    add(samples, computeMs, nowMs) {
      startedAtMs ??= nowMs - computeMs;
      entries.push({ atMs: nowMs, samples });
      sum += samples;
    },
    perSecond(nowMs) {
      for (let oldest = entries[0]; oldest && oldest.atMs < nowMs - windowMs; oldest = entries[0]) {
        sum -= oldest.samples;
        entries.shift();
      }
      const spanMs = Math.min(windowMs, nowMs - (startedAtMs ?? nowMs));
      return spanMs > 0 ? (sum * 1_000) / spanMs : 0;
    },
  };
}
