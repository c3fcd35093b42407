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
 * Adds `point`, or completes the point of the same round. A point stands for a span of rounds and is named by the last
 * of them; when there would be more than `pointsMax`, all spans double, so the curve keeps its whole extent. Round 0
 * stands alone. Follows from history and point alone, and so is the same on every coordinator.
 */
export function extendHistory(
  history: readonly HistoryPoint[],
  point: HistoryPoint,
  pointsMax: number,
): HistoryPoint[] {
  const span = spanFor(point.round, pointsMax - 1);
  const isAsBefore = span === spanFor(history.at(-1)?.round ?? 0, pointsMax - 1);
  const extended: HistoryPoint[] = isAsBefore ? [...history] : [];
  if (!isAsBefore) for (const earlier of history) add(extended, earlier, span);
  add(extended, point, span);
  return extended;
}

/** The smallest power of two of which `spansMax` reach up to `round`. */
function spanFor(round: number, spansMax: number): number {
  let span = 1;
  while (span * spansMax < round) span *= 2;
  return span;
}

function add(history: HistoryPoint[], point: HistoryPoint, span: number): void {
  const last = history.at(-1);
  const before = (Math.ceil(point.round / span) - 1) * span;
  if (last === undefined || last.round <= before) history.push(point);
  else history[history.length - 1] = merge(last, point, before);
}

/** Training losses are averaged by the rounds after `before` that they stand for; a later evaluation counts alone. */
function merge(first: HistoryPoint, second: HistoryPoint, before: number): HistoryPoint {
  const merged = { ...first, ...second };
  if (first.trainingLoss === undefined || second.trainingLoss === undefined) return merged;
  const rounds = second.round - before;
  const share = rounds === 0 ? 0 : (second.round - first.round) / rounds;
  return { ...merged, trainingLoss: first.trainingLoss + (second.trainingLoss - first.trainingLoss) * share };
}
