import type { JobId } from '../../shared/base/ids.ts';
import { limits } from '../../shared/base/limits.ts';
import type { Timers } from '../../shared/protocol/timers.ts';
import type { CoordinatorState } from '../core/coordinator-state.ts';
import { isFinal } from '../core/job-record.ts';
import { jobStatus } from '../core/views.ts';
import { statusMessage } from './admin-messages.ts';
import type { ChangeWatch } from './changes.ts';
import { unknownJob } from './fields.ts';

export interface WatchJobDeps {
  state(): CoordinatorState;
  nowMs(): number;
  readonly timers: Timers;
  readonly changes: ChangeWatch;
}

/**
 * The job's status now and after changes, never faster than `limits.statusIntervalMsMin`; what came in between is
 * left out. Ends after the status of a job that is over.
 */
export async function* watchJob(
  jobId: JobId,
  { state, nowMs, timers, changes }: WatchJobDeps,
): AsyncGenerator<{ readonly message: ReturnType<typeof statusMessage> }, void, undefined> {
  do {
    const job = state().replicated.jobs.get(jobId);
    if (!job) throw unknownJob(jobId);
    yield { message: statusMessage(jobStatus(state(), job, nowMs())) };
    if (isFinal(job.state)) return;
    await new Promise<void>((resolve) => timers.after(limits.statusIntervalMsMin, resolve));
  } while (await changes.next());
}
