/**
 * A codec turns a flat float32 vector into bytes and back. `int8` rounds stochastically from the given seed, so the
 * same vector and seed give the same bytes everywhere. Decoded values must be multiples of a power of two no smaller
 * than the job's grid step (or are rounded to it by the accumulator).
 */
export interface Codec {
  readonly name: CodecName;
  /** Exact payload bytes for `length` values: payloads of any other length are refused. */
  encodedBytes(length: number): number;
  /** `seed` drives stochastic rounding; codecs without randomness ignore it. */
  encode(values: Float32Array, seed: number): Uint8Array;
  /**
   * Writes `target.length` decoded values. `payload` may be unaligned.
   * @throws GradswarmError `wrongLength`, `notFinite` or `badRequest` (a scale off the grid).
   */
  decode(payload: Uint8Array, target: Float32Array): void;
}

export type CodecName = 'float32' | 'int8';
