import type { CodecSpec } from './codec-spec.ts';

/**
 * A codec turns flat float32 vectors of one manifest into bytes and back. It is made for a spec and a manifest, because
 * some need the shapes of tensors; it keeps nothing between calls. What it rounds or chooses by chance follows from the
 * seed, so the same vector and seed give the same bytes everywhere. Payloads may be unaligned.
 *
 * Decoded values are finite, and multiples of a power of two no smaller than the grid's step of `shared/tensor/grid.ts`
 * or rounded to it by the accumulator.
 */
export interface Codec {
  readonly spec: CodecSpec;
  /** Whether decoding gives back the very values that were encoded. */
  readonly lossless: boolean;
  /** Whether the expectation of what is decoded differs from the vector: such codecs need error feedback. */
  readonly isBiased: boolean;
  /** Exact bytes of every payload: those of any other length are refused. */
  readonly encodedBytes: number;
  /** @throws GradswarmError `notFinite`. */
  encode(values: Float32Array, seed: number): Uint8Array;
  /** For codecs that encode better with what they remember of the call before. Decoding needs nothing of it. */
  startEncoding?(): Codec['encode'];
  /**
   * Writes every value of `target`, or throws before it writes any. `seed` is the one that the payload was encoded
   * with; only codecs whose choice of positions follows from it look at it.
   * @throws GradswarmError `wrongLength`, `notFinite` or `badRequest`: a scale off the grid, an index out of range,
   * repeated or unsorted, padding that is not zero.
   */
  decode(payload: Uint8Array, seed: number, target: Float32Array): void;
  /** Sum of the squares of the decoded values, always finite. @throws as `decode`. */
  squaredNorm(payload: Uint8Array, seed: number): number;
  /**
   * Adds `weight` times each decoded value, rounded to the grid, exactly. The payload has passed `squaredNorm`; one that
   * has not is never written outside of `accumulator`.
   */
  decodeAndAccumulate(payload: Uint8Array, seed: number, accumulator: Float64Array, weight: number): void;
}
