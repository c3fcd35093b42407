import { describe, expect, it } from 'vitest';
import { jobHistory, jobStatus, listJobs, listWorkers, publicJobs } from '../../../../server/core/views.ts';
import { BenchCoordinator } from './bench-coordinator.ts';
import { hashOf, jobId, submission } from './fixtures.ts';

describe('views', () => {
  it('tell of a job under way', () => {
    const bench = BenchCoordinator.withJob({ stop: { rounds: 8 } });
    bench.register('a');
    for (let unit = 0; unit < 12; unit++) {
      const lease = bench.lease('a');
      bench.nowMs += 100;
      if (lease !== undefined) bench.finish('a', lease);
      bench.settle();
    }
    expect(jobStatus(bench.state, bench.job, bench.nowMs)).toMatchObject({
      jobId,
      state: 'running',
      version: 2,
      parametersHash: hashOf('v2'),
      parameters: 3,
      samples: 64,
      fractionDone: 0.25,
      runningMs: 1_200,
      unitsCounted: 8,
      refusedContributions: 0,
      ringsDirect: 0,
      ringsRelayed: 0,
      overtakenContributions: 0,
      progress: { round: 2, trainingLoss: 1, testLoss: 2, testAccuracy: 0.5, workers: 1 },
    });
    expect(jobHistory(bench.job).map(({ round }) => round)).toEqual([0, 1, 2]);
    expect(listWorkers(bench.state, bench.nowMs)).toMatchObject([
      { name: 'a', unitsAccepted: 12, unitsRefused: 0, bytesReceived: 96, jobId, quarantined: false },
    ]);
  });

  it('tell anyone the newest jobs first, with null for what is not known', () => {
    const bench = BenchCoordinator.withJob();
    bench.commit({ ...submission({}, 'newer'), atMs: 99 });
    expect(listJobs(bench.state, 0).map((job) => job.jobId)).toEqual(['newer', 'digits']);
    expect(publicJobs(bench.state, 0)[0]).toMatchObject({
      jobId: 'newer',
      trainingLoss: null,
      testAccuracy: null,
    });
    expect(JSON.stringify(publicJobs(bench.state, 0))).not.toContain('NaN');
  });
});
