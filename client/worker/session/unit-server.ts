import type { Batch } from '../../../shared/data/batch.ts';
import { computeUnit, readFirstBatch } from './compute-unit.ts';
import type { ComputedUnit, ContributionDesk } from './contribution-desk.ts';
import type { JobContext } from './job-context.ts';
import type { JobSync } from './job-sync.ts';
import type { HeldLease } from './lease.ts';
import { createLeaseParameters } from './lease-parameters.ts';
import type { SessionState } from './session-state.ts';
import type { TextSampler } from './text-sampler.ts';
import { unlessAborted } from './waiting.ts';

export interface UnitServerOptions {
  readonly state: SessionState;
  readonly sync: JobSync;
  readonly desk: ContributionDesk;
  readonly openJob: (jobId: string) => Promise<JobContext>;
  readonly sampler: TextSampler;
  readonly signal: AbortSignal;
}

/** What happens to one lease, from its grant to its result. */
export interface UnitServer {
  /** Downloads the unit's data while another unit is computed. */
  prepare(lease: HeldLease): void;
  /**
   * `undefined` when the lease was given back instead.
   * @throws whatever keeps the unit from being computed
   */
  compute(lease: HeldLease): Promise<ComputedUnit | undefined>;
  /** Time for a language model's text, which a computed unit earned. Never throws. */
  spend(unit: ComputedUnit): Promise<void>;
  forget(lease: HeldLease): void;
}

export function createUnitServer(options: UnitServerOptions): UnitServer {
  const { state, sync, desk, openJob, sampler, signal } = options;
  const { ports, board, shelf, engine } = state;
  const { timers, breathe } = ports;
  const batches = new Map<string, Promise<Batch>>();
  const parametersFor = createLeaseParameters(sync, timers, signal);

  /** A unit of local steps may be long: whoever stops need not wait for its end, and the socket has its turn. */
  const mayGoOn = async (): Promise<boolean> => {
    if (!engine.computesAside) await breathe();
    return !signal.aborted;
  };

  return {
    prepare(lease) {
      const job = shelf.get(lease.jobId);
      if (!job) return;
      const batch = readFirstBatch(job, lease);
      // Its failure is met where the batch is used.
      batch.catch(() => {});
      batches.set(lease.leaseId, batch);
    },
    async compute(lease) {
      const job = shelf.get(lease.jobId) ?? (await openJob(lease.jobId));
      sync.follow(job);
      let held = await parametersFor(lease, job);
      if (!held) {
        desk.giveBack(lease);
        return undefined;
      }
      const batch = await unlessAborted(batches.get(lease.leaseId) ?? readFirstBatch(job, lease), signal);
      board.update(computingStatus(job));
      let runner = await job.runnerWith(held);
      if (job.parameters.held !== held && lease.mayUseNewer) {
        held = (await parametersFor(lease, job)) ?? held;
        runner = await job.runnerWith(held);
      }
      if (job.parameters.held !== held) {
        // Updates came while the data was read or the model compiled, and the round of the lease is over.
        desk.giveBack(lease);
        return undefined;
      }
      const startedAtMs = timers.nowMs();
      const result = await computeUnit(runner, job, lease, batch, mayGoOn);
      const computeMs = timers.nowMs() - startedAtMs;
      // The lease was given back while the unit was computed.
      if (signal.aborted || result === undefined) return undefined;
      state.rate.add(lease.sampleCount, computeMs, timers.nowMs());
      return { lease, job, held, result, computeMs };
    },
    spend: ({ job, held, computeMs }) => sampler.spend(job, held, computeMs),
    forget: (lease) => {
      batches.delete(lease.leaseId);
    },
  };
}

function computingStatus({ jobId, document }: JobContext) {
  const { title, owner, description } = document;
  return {
    phase: 'computing' as const,
    phaseText: `computing for ${title}`,
    jobId,
    jobTitle: title,
    jobOwner: owner,
    jobDescription: description,
  };
}
