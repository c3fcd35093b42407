import { GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';
import type { Batch } from '../../../shared/data/batch.ts';
import type { UnitRunner } from '../compute/unit-runner.ts';
import { backoffDelayMs } from './backoff.ts';
import type { ContributionDesk, UnitResult } from './contribution-desk.ts';
import type { JobContext } from './job-context.ts';
import type { JobSync } from './job-sync.ts';
import { decideLease, type HeldLease } from './lease.ts';
import { createLeaseFeed } from './lease-feed.ts';
import type { HeldParameters } from './parameter-follower.ts';
import { actionOf, messageOf, WorkerFailure } from './refusal.ts';
import type { SessionState } from './session-state.ts';
import type { TextSampler } from './text-sampler.ts';
import { delay, unlessAborted } from './waiting.ts';

export interface UnitLoopOptions {
  readonly state: SessionState;
  readonly sync: JobSync;
  readonly desk: ContributionDesk;
  readonly openJob: (jobId: string) => Promise<JobContext>;
  readonly sampler: TextSampler;
  /** Ends the loop; the unit under way is computed to its end and dropped. */
  readonly signal: AbortSignal;
}

export interface UnitLoop {
  /** Never resolves. @throws whatever ends the session. */
  run(): Promise<never>;
  /** Leases that have to be given back. */
  outstanding(): readonly HeldLease[];
}

/** The training loop of a worker: lease, data, parameters, compute, hand in, one unit after the other. */
export function createUnitLoop(options: UnitLoopOptions): UnitLoop {
  const { state, sync, desk, openJob, sampler, signal } = options;
  const { ports, board, shelf, identity, coordinator } = state;
  const { timers } = ports;
  const batches = new Map<string, Promise<Batch>>();
  let staleLeases = 0;

  const readBatch = (job: JobContext, { kind, sampleStart, sampleCount }: HeldLease): Promise<Batch> =>
    job.reader.read(kind, sampleStart, sampleCount);

  const feed = createLeaseFeed({
    coordinator,
    jobId: identity.jobId,
    timers,
    signal,
    onGranted(lease) {
      const job = shelf.get(lease.jobId);
      if (!job) return;
      const batch = readBatch(job, lease);
      // Its failure is met where the batch is used.
      batch.catch(() => {});
      batches.set(lease.leaseId, batch);
    },
    onEmpty: (reason) =>
      board.update({ phase: 'waiting', phaseText: `waiting for work${reason ? `: ${reason}` : ''}` }),
  });

  /** The parameters of the lease, or undefined when it has to be given back. */
  const parametersFor = async (lease: HeldLease, job: JobContext): Promise<HeldParameters | undefined> => {
    const { parameters } = job;
    for (let snapshots = 0; ; snapshots++) {
      let decision = decideLease(lease, parameters.held, timers.nowMs());
      if (decision === 'wait') {
        const waitMs = Math.min(limits.parameterWaitMs, lease.deadlineAtMs - timers.nowMs());
        const arrived = await parameters.waitFor(lease.version, waitMs, signal);
        decision = arrived ? decideLease(lease, parameters.held, timers.nowMs()) : 'resync';
      }
      if (decision === 'compute') {
        staleLeases = 0;
        return parameters.held;
      }
      // One lease of an older version is a race; several mean that the coordinator went back to a checkpoint.
      const rolledBack = decision === 'release' && ++staleLeases >= 3;
      if (snapshots > 0 || (decision === 'release' && !rolledBack)) return undefined;
      await sync.resync(job);
    }
  };

  const serve = async (lease: HeldLease): Promise<void> => {
    const job = shelf.get(lease.jobId) ?? (await openJob(lease.jobId));
    sync.follow(job);
    const held = await parametersFor(lease, job);
    if (!held) {
      desk.giveBack(lease);
      return;
    }
    const batch = await unlessAborted(batches.get(lease.leaseId) ?? readBatch(job, lease), signal);
    board.update({
      phase: 'computing',
      phaseText: `computing for ${job.document.title}`,
      jobId: job.jobId,
      jobTitle: job.document.title,
      jobOwner: job.document.owner,
      jobDescription: job.document.description,
    });
    const startedAtMs = timers.nowMs();
    const result = await compute(lease, await job.runnerWith(held), batch);
    const computeMs = timers.nowMs() - startedAtMs;
    if (signal.aborted) return;
    state.rate.add(lease.sampleCount, computeMs, timers.nowMs());
    await desk.handIn({ lease, job, held, result, computeMs });
    await sampler.spend(job, held, computeMs);
  };

  const run = async (): Promise<never> => {
    for (let failures = 0; ; ) {
      const lease = await feed.next();
      try {
        await serve(lease);
        failures = 0;
      } catch (error) {
        if (signal.aborted || error instanceof WorkerFailure || endsSession(error)) throw error;
        failures++;
        desk.giveBack(lease);
        shelf.get(lease.jobId)?.forgetRunner();
        board.update({ lastError: messageOf(error) });
        if (failures >= limits.unitFailuresMax) {
          throw new WorkerFailure(
            `${failures} units in a row could not be computed. The last error: ${messageOf(error)}`,
          );
        }
        const { reconnectDelayMsMin, reconnectDelayMsMax } = limits;
        const pauseMs = backoffDelayMs(failures, reconnectDelayMsMin, reconnectDelayMsMax, ports.chance());
        await delay(timers, pauseMs, signal);
      } finally {
        batches.delete(lease.leaseId);
      }
      await ports.breathe();
    }
  };

  return { run, outstanding: feed.outstanding };
}

async function compute(lease: HeldLease, runner: UnitRunner, batch: Batch): Promise<UnitResult> {
  return lease.kind === 'train'
    ? { kind: 'train', trained: await runner.train(batch, lease.seed) }
    : { kind: 'evaluate', evaluated: await runner.evaluate(batch) };
}

/** A refusal that ends the session; failures of data, kernels and values end only the unit. */
function endsSession(error: unknown): boolean {
  if (!(error instanceof GradswarmError)) return false;
  return error.code === 'connectionLost' || error.code === 'notRegistered' || actionOf(error) === 'stop';
}
