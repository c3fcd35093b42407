/**
 * Samples as a model reads them: the column's scale and offset are applied, token windows are cut. Row-major, sample
 * by sample.
 */
export interface Batch {
  /** Float32Array for records, Int32Array for tokens. */
  readonly x: Float32Array | Int32Array;
  /** `[count, ...input shape]`; `[count, context]` for tokens. */
  readonly xShape: readonly number[];
  /**
   * Classification: class indices, Int32Array. Regression: Float32Array. Tokens: the successor of every input token,
   * Int32Array.
   */
  readonly y: Float32Array | Int32Array;
  /** `[count]`, `[count, columns]`, or `[count, context]`. */
  readonly yShape: readonly number[];
  /** Samples. */
  readonly count: number;
}
