import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { addStatus, curveOf, lastEvaluation } from '../../../../client/admin/history.ts';
import {
  HistoryPointSchema,
  type JobStatus,
  JobStatusSchema,
} from '../../../../shared/gen/gradswarm/v1/admin_pb.ts';

function status(round: number, trainingLoss: number, testLoss: number, testAccuracy: number): JobStatus {
  return create(JobStatusSchema, { progress: { round, trainingLoss, testLoss, testAccuracy } });
}

const curve = curveOf({
  history: [
    create(HistoryPointSchema, { round: 0, testLoss: 2.3, testAccuracy: 0.1 }),
    create(HistoryPointSchema, { round: 1, trainingLoss: 2 }),
  ],
});

describe('the curve', () => {
  it('has no figure where none was measured', () => {
    expect(curve).toEqual([
      { round: 0, trainingLoss: undefined, testLoss: 2.3, testAccuracy: 0.1 },
      { round: 1, trainingLoss: 2, testLoss: undefined, testAccuracy: undefined },
    ]);
  });

  it('grows by a round, with the evaluation only when it is new', () => {
    const repeated = addStatus(curve, status(2, 1.5, 2.3, 0.1));
    expect(repeated.at(-1)).toEqual({
      round: 2,
      trainingLoss: 1.5,
      testLoss: undefined,
      testAccuracy: undefined,
    });
    const evaluated = addStatus(repeated, status(3, 1.2, 1.1, 0.6));
    expect(evaluated.at(-1)).toEqual({ round: 3, trainingLoss: 1.2, testLoss: 1.1, testAccuracy: 0.6 });
    expect(lastEvaluation(evaluated)?.round).toBe(3);
  });

  it('takes a later evaluation of the same round, and keeps it when the status is repeated', () => {
    const later = addStatus(curve, status(1, 2, 1.9, 0.3));
    expect(later).toHaveLength(2);
    expect(later.at(-1)).toMatchObject({ round: 1, testLoss: 1.9 });
    expect(addStatus(later, status(1, 2, 1.9, 0.3))).toEqual(later);
  });

  it('is cut where the rounds go back', () => {
    const grown = addStatus(addStatus(curve, status(2, 1, 2.3, 0.1)), status(3, 1, 2.3, 0.1));
    expect(addStatus(grown, status(2, 1.4, 2.3, 0.1)).map(({ round }) => round)).toEqual([0, 1, 2]);
  });

  it('stays as it is without progress', () => {
    expect(addStatus(curve, create(JobStatusSchema, {}))).toEqual(curve);
  });
});
