import type { JobId } from '../../shared/base/ids.ts';
import { limits } from '../../shared/base/limits.ts';
import type { CoordinatorState } from './coordinator-state.ts';
import type { CoordinatorId } from './effect-values.ts';
import type { RefusedSum } from './events.ts';
import { log, type Turn } from './turn.ts';

/** A coordinator whose sums are damaged again and again serves no workers: they would compute for nothing. */
export function recordRefusedSum(turn: Turn, jobId: JobId, { coordinator, code, message }: RefusedSum): void {
  const { refusedSums, runs } = turn.state;
  const times = (refusedSums.get(coordinator) ?? 0) + 1;
  refusedSums.set(coordinator, times);
  const run = runs.get(jobId);
  if (run !== undefined) run.refused += 1;
  log(turn, 'warn', 'refused the sum of a coordinator', { jobId, coordinator, code, reason: message, times });
}

/** Whether the leader counts on what this coordinator sums. */
export function maySum({ refusedSums }: CoordinatorState, coordinator: CoordinatorId): boolean {
  return (refusedSums.get(coordinator) ?? 0) < limits.edgeSumsRefusedMax;
}
