import { limits } from '../../../shared/base/limits.ts';
import type { JobContext } from './job-context.ts';

/** The contexts of the jobs served last. */
export interface JobShelf {
  get(jobId: string): JobContext | undefined;
  has(jobId: string): boolean;
  add(context: JobContext): void;
  /** Another cluster may know other jobs by the same names: nothing of the old one is kept. */
  useCluster(clusterId: string): void;
  clear(): void;
}

export function createJobShelf(): JobShelf {
  const contexts = new Map<string, JobContext>();
  let cluster = '';
  const clear = (): void => {
    for (const context of contexts.values()) context.forgetRunner();
    contexts.clear();
  };
  return {
    get(jobId) {
      const context = contexts.get(jobId);
      if (context) {
        contexts.delete(jobId);
        contexts.set(jobId, context);
      }
      return context;
    },
    has: (jobId) => contexts.has(jobId),
    add(context) {
      contexts.set(context.jobId, context);
      for (const [jobId, oldest] of contexts) {
        if (contexts.size <= limits.jobsPerWorkerMax) break;
        oldest.forgetRunner();
        contexts.delete(jobId);
      }
    },
    useCluster(clusterId) {
      if (cluster !== clusterId) clear();
      cluster = clusterId;
    },
    clear,
  };
}
