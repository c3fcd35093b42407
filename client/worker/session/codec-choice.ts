/** Shares of a unit's compute time: a better codec must fit well within it, and the one in use may exceed it a little. */
const shareToImprove = 0.75;
const shareToStay = 1.2;

export interface UploadPace {
  readonly bytesPerSecond: number;
  /** Compute time of a unit. */
  readonly unitMs: number;
}

/**
 * Which of the codecs that a job lists a worker sends with: the first whose upload hides behind the computation of the
 * next unit; where none does, the smallest. Between the two shares nothing changes, so that a choice does not flap.
 * @param sizes bytes of an upload with each codec, in the job's order
 * @param current index of the codec in use
 * @param pace `undefined` while nothing was measured
 */
export function chooseCodec(sizes: readonly number[], current: number, pace: UploadPace | undefined): number {
  if (!pace) return current;
  const fits = (bytes: number, share: number): boolean =>
    (bytes * 1_000) / pace.bytesPerSecond <= share * pace.unitMs;
  const staying = fits(sizes[current] ?? Number.POSITIVE_INFINITY, shareToStay);
  const first = sizes.findIndex((bytes) => fits(bytes, shareToImprove));
  if (staying) return first >= 0 && first < current ? first : current;
  return first >= 0 ? first : sizes.indexOf(Math.min(...sizes));
}
