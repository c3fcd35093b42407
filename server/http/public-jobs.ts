import type { FastifyInstance } from 'fastify';
import type { ClusterView } from '../../shared/base/cluster-view.ts';
import type { PublicJob, PublicJobs } from '../../shared/job/public-job.ts';
import { openToAllPages } from './cross-origin.ts';

export interface JobsDeps {
  jobs(): readonly PublicJob[];
  cluster(): ClusterView;
}

/** What is being trained, for anyone; and where the leader is, for the figures that only it has. */
export function addJobs(app: FastifyInstance, { jobs, cluster }: JobsDeps): void {
  app.get('/v1/jobs', (_request, reply) => {
    const { isLeader, leaderUrl, coordinatorUrls } = cluster();
    const answer: PublicJobs = {
      jobs: isLeader ? jobs() : jobs().map(withoutLiveFigures),
      isLeader,
      leaderUrl: isLeader ? null : (leaderUrl ?? null),
      coordinatorUrls,
    };
    openToAllPages(reply);
    return reply.header('cache-control', 'no-store').send(answer);
  });
}

/** Workers talk to the leader alone; a follower would tell of none. */
function withoutLiveFigures(job: PublicJob): PublicJob {
  return { ...job, workers: null, samplesPerSecond: null, remainingMs: null };
}
