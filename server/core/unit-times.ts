import { limits } from '../../shared/base/limits.ts';

/** What the newest unit times of a job say. */
export interface TimeEstimate {
  readonly medianMs: number;
  /** Median absolute deviation from the median: a spread that a few stragglers do not move. */
  readonly deviationMs: number;
}

/** Times of the newest units of a job, measured by the coordinator from the start of a lease to its result. */
export interface UnitTimes {
  add(elapsedMs: number): void;
  /** Undefined before the first unit. */
  estimate(): TimeEstimate | undefined;
}

/** Few units exceed median + 4 MAD (2.7 standard deviations of a normal distribution); a hedge begins there. */
const deviationsExpected = 4;
/** A lease ends at twice that distance. */
const deviationsDeadline = 8;
/** No unit is late before this multiple of the median: with equal workers the deviation is close to zero. */
const mediansExpected = 1.5;
const mediansDeadline = 4;

export function createUnitTimes(capacity: number = limits.unitTimesMax): UnitTimes {
  const times: number[] = [];
  let next = 0;
  let cached: TimeEstimate | undefined;
  return {
    add(elapsedMs) {
      times[next] = elapsedMs;
      next = (next + 1) % capacity;
      cached = undefined;
    },
    estimate() {
      if (cached === undefined && times.length > 0) {
        const medianMs = median(times);
        cached = { medianMs, deviationMs: median(times.map((time) => Math.abs(time - medianMs))) };
      }
      return cached;
    },
  };
}

/**
 * Time that a worker has for a unit, from its start. `pace` is how much slower than the median this worker is known to
 * be, at least 1: a slow honest worker gets the time it needs.
 */
export function leaseTimeoutMs(estimate: TimeEstimate | undefined, pace: number): number {
  if (estimate === undefined) return limits.leaseTimeoutMsFirst;
  const { medianMs, deviationMs } = estimate;
  const alone = Math.max(medianMs + deviationsDeadline * deviationMs, mediansDeadline * medianMs);
  return Math.min(limits.leaseTimeoutMsMax, Math.max(limits.leaseTimeoutMsMin, Math.ceil(alone * pace)));
}

/** Time that few units of the job exceed. */
export function expectedUnitMs({ medianMs, deviationMs }: TimeEstimate): number {
  return Math.max(medianMs + deviationsExpected * deviationMs, mediansExpected * medianMs);
}

/**
 * Time after which a round that is not complete is late: in as many waves as the workers need for its units, each of
 * median + 4 MAD. Undefined before the first unit was seen.
 */
export function roundDeadlineMs(
  estimate: TimeEstimate | undefined,
  units: number,
  workers: number,
): number | undefined {
  if (estimate === undefined) return undefined;
  return expectedUnitMs(estimate) * Math.ceil(units / Math.max(1, workers));
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}
