import { assertNever } from '../base/assert.ts';
import type { ScheduleSpec } from './optimizer-spec.ts';

/**
 * The learning rate of `round`. It climbs in equal steps from just above zero to the full rate at round `warmupRounds`,
 * then decays to `minimumFraction` of it at round `totalRounds`, and stays there.
 */
export function learningRateAt(
  { learningRate, schedule }: { readonly learningRate: number; readonly schedule?: ScheduleSpec },
  round: number,
): number {
  if (schedule === undefined) return learningRate;
  const warmupRounds = schedule.warmupRounds ?? 0;
  if (round < warmupRounds) return (learningRate * (round + 1)) / (warmupRounds + 1);
  const floor = schedule.minimumFraction ?? 0;
  const remaining = remainingFraction(schedule, round, warmupRounds);
  return learningRate * (floor + (1 - floor) * remaining);
}

/** 1 at the end of the warm-up, 0 from `totalRounds` on. */
function remainingFraction(schedule: ScheduleSpec, round: number, warmupRounds: number): number {
  const decay = schedule.decay ?? 'constant';
  if (decay === 'constant' || schedule.totalRounds === undefined) return 1;
  if (round >= schedule.totalRounds) return 0;
  const progress = (round - warmupRounds) / (schedule.totalRounds - warmupRounds);
  switch (decay) {
    case 'linear':
      return 1 - progress;
    case 'cosine':
      return halfCosine(progress);
    default:
      return assertNever(decay);
  }
}

/**
 * (1 + cos(pi * progress)) / 2 for progress in [0, 1], within 1e-15. `Math.cos` differs between engines; this is the
 * sine's Taylor series about the middle, to the term x^21 / 21!, whose remainder at x = pi / 2 is under 2e-18.
 */
export function halfCosine(progress: number): number {
  const angle = Math.PI * (progress - 0.5);
  const square = angle * angle;
  let series = 1;
  for (let order = 20; order >= 2; order -= 2) series = 1 - (square / (order * (order + 1))) * series;
  return Math.min(Math.max(0.5 - 0.5 * (angle * series), 0), 1);
}
