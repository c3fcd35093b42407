import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseRoute, type Route, routeHash } from '../../../../client/admin/route.ts';

it('reads back every route that it writes', () => {
  const plain = fc.constantFrom<Route>(
    { view: 'jobs' },
    { view: 'submit' },
    { view: 'workers' },
    { view: 'datasets' },
    { view: 'tokens' },
    { view: 'cluster' },
  );
  const job = fc.string({ minLength: 1, unit: 'grapheme' }).map((jobId): Route => ({ view: 'job', jobId }));
  fc.assert(
    fc.property(fc.oneof(plain, job), (route) => {
      expect(parseRoute(routeHash(route))).toEqual(route);
    }),
  );
});

it.each(['', '#', '#/', '#/nowhere', '#content', '#/jobs/'])('takes %j for the list of jobs', (hash) => {
  expect(parseRoute(hash)).toEqual({ view: 'jobs' });
});

it('bears a broken escape', () => {
  expect(parseRoute('#/jobs/%E0%A4%A')).toEqual({ view: 'job', jobId: '%E0%A4%A' });
});
