import { GradswarmError } from '../../../shared/base/errors.ts';
import type { JobId } from '../../../shared/base/ids.ts';
import type { Trainer } from '../ports.ts';
import { type CustomAggregators, noAggregators } from './custom-aggregators.ts';
import { JobTrainer } from './job-trainer.ts';
import type { TrainerStores } from './open-state.ts';

/**
 * The trainer in the calling thread. Every call does its work before it returns, so calls take effect in their order.
 * @throws GradswarmError (as a rejection) `jobNotRunning` for jobs that are not open.
 */
export function createLocalTrainer(
  stores: TrainerStores,
  customs: CustomAggregators = noAggregators,
): Trainer {
  const jobs = new Map<JobId, JobTrainer>();

  function opened(jobId: JobId): JobTrainer {
    const job = jobs.get(jobId);
    if (job === undefined)
      throw new GradswarmError('jobNotRunning', `Job ${jobId} is not open in the trainer.`);
    return job;
  }

  return {
    async open(job) {
      // The old state goes first: two of a large job may not fit.
      jobs.delete(job.jobId);
      const trainer = new JobTrainer(job, stores, customs);
      jobs.set(job.jobId, trainer);
      return { version: trainer.version, parametersHash: trainer.parametersHash };
    },
    async close(jobId) {
      jobs.delete(jobId);
    },
    async reduce({ jobId, round, ...contribution }) {
      const job = jobs.get(jobId);
      if (job === undefined)
        return { accepted: false, code: 'jobNotRunning', message: `Job ${jobId} is closed.` };
      return job.reduce(round, contribution);
    },
    async mergeSum({ jobId, round, weight, normMax, hash, payload }) {
      const job = jobs.get(jobId);
      if (job === undefined)
        return { accepted: false, code: 'jobNotRunning', message: `Job ${jobId} is closed.` };
      return job.mergeSum(round, { weight, bytes: payload }, hash, normMax);
    },
    storeRound: async (jobId, round, weight, partials) => opened(jobId).storeRound(round, weight, partials),
    async reduceAtEdge({ jobId, key, ...contribution }) {
      const job = jobs.get(jobId);
      if (job === undefined)
        return { accepted: false, code: 'unavailable', message: `Job ${jobId} is not open here yet.` };
      return job.reduceAtEdge(key, contribution);
    },
    edgeSum: async ({ jobId, key, weight }) => opened(jobId).edgeSum(key, weight),
    checkSum: async ({ jobId, sum, normMax }) => opened(jobId).checkSum(sum, normMax),
    installRound: async (jobId, round) => opened(jobId).installRound(round),
    discardRound: async (jobId, round) => jobs.get(jobId)?.discardRound(round),
    followRound: async (jobId, round, aggregateHash) => opened(jobId).followRound(round, aggregateHash),
    snapshot: async (jobId) => opened(jobId).snapshot(),
    storeCheckpoint: async (jobId, version) => opened(jobId).storeCheckpoint(version),
    async shutdown() {
      jobs.clear();
    },
  };
}
