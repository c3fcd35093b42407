/** The updates that this worker keeps of one opened round: their sum on the grid, and which they are. */
export interface HeldSum {
  readonly epoch: number;
  readonly ringId: number;
  readonly units: ReadonlySet<number>;
  readonly sum: Float64Array;
}

/** One sum for each job; an update for another opened round begins a new one. */
export interface HeldSums {
  /**
   * `accumulate` adds the decoded update. A unit that is held already was handed out again: the coordinator has given up
   * everything that this worker held, so the sum begins anew.
   */
  add(update: HeldUpdate, accumulate: (sum: Float64Array) => void): void;
  /**
   * Undefined unless exactly these units are held for this ring. Then the coordinator hands them out again, and what is
   * held for the ring is void: a later sum must not have it in it.
   */
  find(jobId: string, ring: Pick<HeldSum, 'epoch' | 'ringId'>, units: readonly number[]): HeldSum | undefined;
}

export interface HeldUpdate {
  readonly jobId: string;
  readonly epoch: number;
  readonly ringId: number;
  readonly unit: number;
  /** Values of the vector. */
  readonly length: number;
}

interface Sum extends HeldSum {
  readonly units: Set<number>;
}

export function createHeldSums(): HeldSums {
  const sums = new Map<string, Sum>();
  return {
    add({ jobId, epoch, ringId, unit, length }, accumulate) {
      const former = sums.get(jobId);
      const isSame = former?.epoch === epoch && former.ringId === ringId && !former.units.has(unit);
      const held = isSame
        ? former
        : { epoch, ringId, units: new Set<number>(), sum: new Float64Array(length) };
      accumulate(held.sum);
      held.units.add(unit);
      sums.set(jobId, held);
    },
    find(jobId, { epoch, ringId }, units) {
      const held = sums.get(jobId);
      if (held?.epoch !== epoch || held.ringId !== ringId) return undefined;
      if (held.units.size === units.length && units.every((unit) => held.units.has(unit))) return held;
      sums.delete(jobId);
      return undefined;
    },
  };
}
