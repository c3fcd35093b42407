import type { Batch } from '../../../shared/data/batch.ts';
import type { UnitRunner } from '../compute/unit-runner.ts';
import type { ComputedUnit, ContributionDesk, UnitResult } from './contribution-desk.ts';
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
  const { ports, board, shelf } = state;
  const { timers } = ports;
  const batches = new Map<string, Promise<Batch>>();
  const parametersFor = createLeaseParameters(sync, timers, signal);

  return {
    prepare(lease) {
      const job = shelf.get(lease.jobId);
      if (!job) return;
      const batch = readBatch(job, lease);
      // Its failure is met where the batch is used.
      batch.catch(() => {});
      batches.set(lease.leaseId, batch);
    },
    async compute(lease) {
      const job = shelf.get(lease.jobId) ?? (await openJob(lease.jobId));
      sync.follow(job);
      const held = await parametersFor(lease, job);
      if (!held) {
        desk.giveBack(lease);
        return undefined;
      }
      const batch = await unlessAborted(batches.get(lease.leaseId) ?? readBatch(job, lease), signal);
      board.update(computingStatus(job));
      const runner = await job.runnerWith(held);
      const startedAtMs = timers.nowMs();
      const result = await resultOf(lease, runner, batch);
      const computeMs = timers.nowMs() - startedAtMs;
      // Not after a failure: the device may still read them.
      job.reader.giveBack(batch);
      // The lease was given back while the unit was computed.
      if (signal.aborted) return undefined;
      state.rate.add(lease.sampleCount, computeMs, timers.nowMs());
      return { lease, job, held, result, computeMs };
    },
    spend: ({ job, held, computeMs }) => sampler.spend(job, held, computeMs),
    forget: (lease) => {
      batches.delete(lease.leaseId);
    },
  };
}

function readBatch(job: JobContext, { kind, sampleStart, sampleCount }: HeldLease): Promise<Batch> {
  return job.reader.read(kind, sampleStart, sampleCount);
}

async function resultOf(lease: HeldLease, runner: UnitRunner, batch: Batch): Promise<UnitResult> {
  return lease.kind === 'train'
    ? { kind: 'train', trained: await runner.train(batch, lease.seed) }
    : { kind: 'evaluate', evaluated: await runner.evaluate(batch) };
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
