import { createUnitTimes, type UnitTimes } from './unit-times.ts';

/** What the adaptive policy decides by; lost with the leadership, and soon measured again. */
export interface Measures {
  readonly stepMs: UnitTimes;
  readonly bytesPerSecond: UnitTimes;
  codec: string;
  leasesDone: number;
  leasesLost: number;
  /** The version at which the plan was looked at last. */
  lookedAt: number;
}

/** Few, so that a change of the uplinks is soon seen. */
const measuresKept = 16;

/** `lookedAt`: the newest change, so that a new leader does not change the plan at once. */
export function createMeasures(lookedAt: number): Measures {
  return {
    stepMs: createUnitTimes(measuresKept),
    bytesPerSecond: createUnitTimes(measuresKept),
    codec: '',
    leasesDone: 0,
    leasesLost: 0,
    lookedAt,
  };
}
