import type { Contribution, PartialSum, ReduceOutcome } from '../ports.ts';

/** What the trainer holds of the round that is open: a sum where that is enough, else every vector. */
export interface OpenRound {
  /** Of all contributions together. */
  readonly weight: number;
  /** A payload is checked as a whole before any of it counts. */
  add(contribution: Contribution): ReduceOutcome;
  /**
   * Adds what another coordinator has summed.
   * @throws GradswarmError `badRequest` or `wrongLength`, and nothing has changed.
   */
  merge(partial: PartialSum): void;
  /**
   * @param weight what the caller counted; it must agree.
   * @param seed the round's, for what an aggregator draws by chance.
   * @throws GradswarmError `tooFewMembers`, or what an operator's own aggregator fails with.
   */
  aggregate(weight: number, into: Float32Array, seed: number): void;
  clear(): void;
  /** Clears, and gives the memory back. */
  release(): void;
}
