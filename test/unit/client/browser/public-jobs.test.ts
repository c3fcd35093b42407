import { expect, it } from 'vitest';
import { parsePublicJobs } from '../../../../client/browser/public-jobs.ts';
import { limits } from '../../../../shared/base/limits.ts';
import { digits } from '../../../support/contributor-states.ts';

it('reads what a coordinator writes', () => {
  const answer = {
    jobs: [digits],
    isLeader: false,
    leaderUrl: 'https://a.test:7077/',
    coordinatorUrls: ['https://a.test:7077/', 'https://b.test/'],
  };
  expect(parsePublicJobs(JSON.parse(JSON.stringify(answer)))).toEqual(answer);
});

it('bears missing figures and titles', () => {
  const { jobs, ...cluster } = parsePublicJobs({ jobs: [{ jobId: 'x', state: 'running', fractionDone: 7 }] });
  expect(jobs[0]).toMatchObject({ title: 'x', fractionDone: 1, trainingLoss: null, workers: null });
  expect(cluster).toEqual({ isLeader: true, leaderUrl: null, coordinatorUrls: [] });
});

it('takes no address that is not one of a coordinator', () => {
  const many = Array.from({ length: 100 }, (_, index) => `https://c${index}.test/`);
  const read = parsePublicJobs({
    jobs: [],
    leaderUrl: 'javascript:alert(1)',
    coordinatorUrls: ['ftp://a.test/', 7, null, 'https://me:secret@a.test/', ...many],
  });
  expect(read.leaderUrl).toBeNull();
  expect(read.coordinatorUrls).toHaveLength(limits.coordinatorsMax - 4);
  expect(read.coordinatorUrls[0]).toBe('https://c0.test/');
});

it.each([null, [], 'jobs', {}, { jobs: 3 }, { jobs: [null] }, { jobs: [{ state: 'dancing' }] }])(
  'refuses %j',
  (answer) => {
    expect(() => parsePublicJobs(answer)).toThrow();
  },
);
