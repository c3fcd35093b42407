import type { SumLane } from './sum-memory.ts';

/** What the check of a payload finds out. */
export interface CheckedPayload {
  /** The bits of the codec's own `squaredNorm`; not finite where the codec refuses the payload. */
  readonly squaredNorm: number;
  /** Whether no value is beyond the grid. */
  readonly isBounded: boolean;
}

/** A payload that has passed its check and has the exact length for the accumulator. */
export interface HeldPayload {
  readonly payload: Uint8Array;
  readonly weight: number;
  readonly isBounded: boolean;
}

/** Adds payloads of one codec, as many as there are rows at most, with the bits of the codec's own functions. */
export interface SumKernel {
  check(lane: SumLane, payload: Uint8Array): CheckedPayload;
  /** To the columns of the lane. */
  add(lane: SumLane, held: readonly HeldPayload[]): void;
}
