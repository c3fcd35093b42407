import type { ReduceOutcome } from '../ports.ts';

export interface Contribution {
  /** Number of the unit in its round; with it the order of arrival never matters. */
  readonly unit: number;
  readonly codec: string;
  /** The unit's. */
  readonly seed: number;
  readonly weight: number;
  readonly normMax: number;
  readonly payload: Uint8Array;
}

/** What the trainer holds of the round that is open: a sum where that is enough, else every vector. */
export interface OpenRound {
  /** Of all contributions together. */
  readonly weight: number;
  /** A payload is checked as a whole before any of it counts. */
  add(contribution: Contribution): ReduceOutcome;
  /**
   * @param weight what the caller counted; it must agree.
   * @throws GradswarmError when the job's own aggregator fails.
   */
  aggregate(weight: number, into: Float32Array): void;
  clear(): void;
  /** Clears, and gives the memory back. */
  release(): void;
}
