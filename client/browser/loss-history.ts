export interface LossPoint {
  readonly round: number;
  readonly loss: number;
}

/** The curve of one job, thinned to at most `pointsMax` points that are evenly spread over its rounds. */
export interface LossHistory {
  readonly jobId: string;
  readonly points: readonly LossPoint[];
  /** Rounds from one point to the next, at least. Doubles each time the points are thinned. */
  readonly stride: number;
}

export const emptyLossHistory: LossHistory = { jobId: '', points: [], stride: 1 };
const pointsMax = 200;

/**
 * Adds the loss of `round`; another job, or a round that went back, begins a new curve. Round 0 has no loss: before it
 * has heard of a committed round, a worker tells the loss of its own units.
 */
export function addLoss(history: LossHistory, jobId: string, round: number, loss: number): LossHistory {
  if (!Number.isFinite(loss) || jobId === '' || round === 0) return history;
  const last = history.points.at(-1);
  if (jobId !== history.jobId || last === undefined || round < last.round) {
    return { jobId, points: [{ round, loss }], stride: 1 };
  }
  if (round - last.round < history.stride) return history;
  const points = [...history.points, { round, loss }];
  if (points.length <= pointsMax) return { ...history, points };
  const newestParity = (points.length - 1) % 2;
  return {
    jobId,
    points: points.filter((_, index) => index % 2 === newestParity),
    stride: history.stride * 2,
  };
}
