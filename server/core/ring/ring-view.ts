import type { JobId } from '../../../shared/base/ids.ts';
import type { CoordinatorState } from '../coordinator-state.ts';
import type { RingExchange } from './ring-state.ts';

/** The exchange that is under way for a job, while this coordinator leads it. */
export function exchangeOf({ runs }: CoordinatorState, jobId: JobId): RingExchange | undefined {
  return runs.get(jobId)?.round?.ring?.exchange;
}
