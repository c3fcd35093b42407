/** One point of a job's curve. */
export interface HistoryPoint {
  /** Committed rounds at this point; the version that was evaluated. */
  readonly round: number;
  /** Mean loss of the units that made this version; absent for version 0. */
  readonly trainingLoss?: number;
  /** Absent where no evaluation was made. */
  readonly testLoss?: number;
  readonly testAccuracy?: number;
}

/**
 * Adds `point`, or completes the point of the same round. Above `pointsMax` neighbours are merged, so the curve keeps
 * its whole extent at half the resolution.
 */
export function extendHistory(
  history: readonly HistoryPoint[],
  point: HistoryPoint,
  pointsMax: number,
): HistoryPoint[] {
  const last = history.at(-1);
  const extended =
    last?.round === point.round ? [...history.slice(0, -1), { ...last, ...point }] : [...history, point];
  return extended.length > pointsMax ? mergeNeighbours(extended) : extended;
}

function mergeNeighbours(history: readonly HistoryPoint[]): HistoryPoint[] {
  const merged: HistoryPoint[] = [];
  for (let index = 0; index < history.length; index += 2) {
    const [first, second] = [history[index], history[index + 1]];
    if (first !== undefined) merged.push(second === undefined ? first : mergePair(first, second));
  }
  return merged;
}

function mergePair(first: HistoryPoint, second: HistoryPoint): HistoryPoint {
  const merged = { ...first, ...second };
  if (first.trainingLoss === undefined || second.trainingLoss === undefined) return merged;
  return { ...merged, trainingLoss: (first.trainingLoss + second.trainingLoss) / 2 };
}
