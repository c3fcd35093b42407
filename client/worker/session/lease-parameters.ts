import { limits } from '../../../shared/base/limits.ts';
import type { Timers } from '../../../shared/protocol/timers.ts';
import type { JobContext } from './job-context.ts';
import type { JobSync } from './job-sync.ts';
import { decideLease, type HeldLease, type LeaseDecision } from './lease.ts';
import type { HeldParameters } from './parameter-follower.ts';

/** One lease of an older version is a race; several in a row mean that the coordinator went back to a checkpoint. */
const staleLeasesMax = 3;

/**
 * The parameters that a lease asks for, waited for or fetched where they are not held; undefined when the lease has
 * to be given back.
 * @throws the refusal of a snapshot, or GradswarmError `cancelled`
 */
export type LeaseParameters = (lease: HeldLease, job: JobContext) => Promise<HeldParameters | undefined>;

export function createLeaseParameters(sync: JobSync, timers: Timers, signal: AbortSignal): LeaseParameters {
  /** Jobs whose updates come over this connection since an earlier lease. */
  const followed = new WeakSet<JobContext>();
  let staleLeases = 0;

  const decide = async (lease: HeldLease, job: JobContext): Promise<LeaseDecision> => {
    const { parameters } = job;
    const first = decideLease(lease, parameters.held, timers.nowMs());
    const isNew = !followed.has(job);
    followed.add(job);
    if (first !== 'wait') return first;
    // What was committed between two connections was sent over neither.
    if (isNew) return 'resync';
    const waitMs = Math.min(limits.parameterWaitMs, lease.deadlineAtMs - timers.nowMs());
    const arrived = await parameters.waitFor(lease.version, waitMs, signal);
    return arrived ? decideLease(lease, parameters.held, timers.nowMs()) : 'resync';
  };

  return async (lease, job) => {
    let decision = await decide(lease, job);
    if (decision === 'release' && ++staleLeases >= staleLeasesMax) decision = 'resync';
    if (decision === 'resync') {
      await sync.resync(job);
      decision = await decide(lease, job);
    }
    if (decision !== 'compute') return undefined;
    staleLeases = 0;
    return job.parameters.held;
  };
}
