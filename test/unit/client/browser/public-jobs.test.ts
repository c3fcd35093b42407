import { expect, it } from 'vitest';
import { parsePublicJobs } from '../../../../client/browser/public-jobs.ts';
import { digits } from '../../../support/contributor-states.ts';

it('reads what a coordinator writes', () => {
  expect(parsePublicJobs(JSON.parse(JSON.stringify({ jobs: [digits] })))).toEqual([digits]);
});

it('bears missing figures and titles', () => {
  const [job] = parsePublicJobs({ jobs: [{ jobId: 'x', state: 'running', fractionDone: 7 }] });
  expect(job).toMatchObject({ title: 'x', fractionDone: 1, trainingLoss: null, workers: 0 });
});

it.each([null, [], 'jobs', {}, { jobs: 3 }, { jobs: [null] }, { jobs: [{ state: 'dancing' }] }])(
  'refuses %j',
  (answer) => {
    expect(() => parsePublicJobs(answer)).toThrow();
  },
);
