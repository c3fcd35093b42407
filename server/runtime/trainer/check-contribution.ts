import { GradswarmError } from '../../../shared/base/errors.ts';
import { gridWeightMax } from '../../../shared/tensor/grid.ts';
import type { ReduceOutcome } from '../ports.ts';

/** @param held the weight of the round so far. @throws GradswarmError `badRequest`. */
export function checkWeight(weight: number, held: number): void {
  if (Number.isInteger(weight) && weight >= 1 && held + weight <= gridWeightMax) return;
  throw new GradswarmError(
    'badRequest',
    `The weight ${weight} does not fit: a round holds whole weights up to ${gridWeightMax} in all.`,
    'weight',
  );
}

/** The norm. @throws GradswarmError `normTooLarge`. */
export function checkNorm(squaredNorm: number, normMax: number): number {
  const norm = Math.sqrt(squaredNorm);
  if (norm <= normMax) return norm;
  throw new GradswarmError('normTooLarge', `The update's norm is ${norm}; the job allows ${normMax}.`);
}

/** @param count counts a contribution and tells its norm; what it throws as a GradswarmError is the refusal. */
export function outcomeOf(count: () => number): ReduceOutcome {
  try {
    return { accepted: true, norm: count() };
  } catch (error) {
    if (!(error instanceof GradswarmError)) throw error;
    return { accepted: false, code: error.code, message: error.message };
  }
}
