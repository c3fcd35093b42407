import type { GetJobStatusResponse, JobStatus } from '../../shared/protocol/services.ts';

/** One committed round of the curve; what was not measured then is absent. */
export interface CurvePoint {
  readonly round: number;
  readonly trainingLoss: number | undefined;
  readonly testLoss: number | undefined;
  readonly testAccuracy: number | undefined;
}

export function curveOf(response: Pick<GetJobStatusResponse, 'history'>): CurvePoint[] {
  return response.history.map(({ round, trainingLoss, testLoss, testAccuracy }) => ({
    round,
    trainingLoss: known(trainingLoss),
    testLoss: known(testLoss),
    testAccuracy: known(testAccuracy),
  }));
}

/**
 * Adds what a status says. A status repeats the last evaluation until there is a new one, so a test figure that did
 * not change is not a new point. A round that went back (another run, a roll-back) cuts the curve there.
 */
export function addStatus(curve: readonly CurvePoint[], status: JobStatus): CurvePoint[] {
  const { progress } = status;
  if (progress === undefined) return [...curve];
  const { round } = progress;
  const kept = curve.filter((point) => point.round < round);
  const present = curve.find((point) => point.round === round);
  const before = lastEvaluation(kept);
  const isNew = progress.testLoss !== before?.testLoss || progress.testAccuracy !== before?.testAccuracy;
  return [
    ...kept,
    {
      round,
      trainingLoss: round === 0 ? undefined : (known(progress.trainingLoss) ?? present?.trainingLoss),
      testLoss: isNew ? known(progress.testLoss) : present?.testLoss,
      testAccuracy: isNew ? known(progress.testAccuracy) : present?.testAccuracy,
    },
  ];
}

export function lastEvaluation(curve: readonly CurvePoint[]): CurvePoint | undefined {
  return curve.findLast(({ testLoss }) => testLoss !== undefined);
}

function known(figure: number | undefined): number | undefined {
  return figure !== undefined && Number.isFinite(figure) ? figure : undefined;
}
