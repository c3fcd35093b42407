/**
 * A codec turns a flat float32 vector into bytes and back. `int8` rounds stochastically from the given seed, so the
 * same vector and seed give the same bytes everywhere. Decoded values must be multiples of a power of two no smaller
 * than the job's grid step (or are rounded to it by the accumulator). Payloads may be unaligned.
 */
export interface Codec {
  readonly name: CodecName;
  /** Whether decoding gives back the very values that were encoded. */
  readonly lossless: boolean;
  /** Exact payload bytes for `length` values: payloads of any other length are refused. */
  encodedBytes(length: number): number;
  /**
   * `seed` drives stochastic rounding; codecs without randomness ignore it.
   * @throws GradswarmError `notFinite`.
   */
  encode(values: Float32Array, seed: number): Uint8Array;
  /**
   * Writes `target.length` decoded values, or throws before it writes any.
   * @throws GradswarmError `wrongLength`, `notFinite` or `badRequest` (a scale off the grid).
   */
  decode(payload: Uint8Array, target: Float32Array): void;
  /** Sum of the squares of the `length` decoded values, always finite. @throws as `decode`. */
  squaredNorm(payload: Uint8Array, length: number): number;
  /**
   * Adds `weight` times each decoded value, rounded to the grid of `shared/tensor/grid.ts`, exactly.
   * The payload has passed `squaredNorm`.
   */
  decodeAndAccumulate(payload: Uint8Array, accumulator: Float64Array, weight: number): void;
}

export type CodecName = 'float32' | 'int8';
