import type { JobProgress } from '../../../shared/protocol/services.ts';
import type { Coordinator } from './coordinator.ts';
import type { JobContext } from './job-context.ts';
import type { JobShelf } from './job-shelf.ts';

/** Largest update relative to the vector as float32: what no codec of published updates exceeds, with its scales. */
const updateBytesMax = (length: number): number => 8 * length + 65_536;

/** Keeps the parameters of the served jobs current on one connection. */
export interface JobSync {
  /** Applies the job's updates as they come, until the connection or the job's stay on the shelf ends. */
  follow(job: JobContext): void;
  /** Fetches a snapshot; calls for one job share one fetch. @throws the refusal. */
  resync(job: JobContext): Promise<void>;
}

export interface JobSyncOptions {
  readonly coordinator: Coordinator;
  readonly shelf: JobShelf;
  readonly signal: AbortSignal;
  readonly onProgress: (job: JobContext, progress: JobProgress) => void;
  /** A watch or the snapshot that it asked for failed; the next lease of the job tries again. */
  readonly onTrouble: (error: unknown) => void;
}

export function createJobSync(options: JobSyncOptions): JobSync {
  const { coordinator, shelf, signal } = options;
  const following = new Set<JobContext>();
  const resyncs = new Map<JobContext, Promise<void>>();

  const fetchSnapshot = async (job: JobContext): Promise<void> => {
    job.parameters.install(await coordinator.getParameters(job.jobId, job.manifest.length * 4, signal));
  };

  const resync = (job: JobContext): Promise<void> => {
    const underWay = resyncs.get(job);
    if (underWay) return underWay;
    const started = fetchSnapshot(job).finally(() => resyncs.delete(job));
    resyncs.set(job, started);
    return started;
  };

  const watch = async (job: JobContext): Promise<void> => {
    const updates = coordinator.watchParameters(job.jobId, updateBytesMax(job.manifest.length), signal);
    for await (const { message, payload } of updates) {
      if (!shelf.has(job.jobId)) return;
      if (message.progress) options.onProgress(job, message.progress);
      // Before the first snapshot the lease's own resync is under way or about to be.
      if (!job.parameters.apply(message, payload) && job.parameters.held) {
        resync(job).catch(options.onTrouble);
      }
    }
  };

  return {
    follow(job) {
      if (following.has(job)) return;
      following.add(job);
      watch(job)
        .catch(options.onTrouble)
        .finally(() => following.delete(job));
    },
    resync,
  };
}
