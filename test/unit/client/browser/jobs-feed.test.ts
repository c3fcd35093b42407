import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createJobsFeed, type JobsFeed } from '../../../../client/browser/jobs-feed.ts';
import type { PublicJobs } from '../../../../shared/job/public-job.ts';
import { digits } from '../../../support/contributor-states.ts';

const a = 'http://a.test/';
const b = 'http://b.test/';
const coordinatorUrls = [a, b];
const followers = { ...digits, workers: null };
const byLeader: PublicJobs = { jobs: [digits], isLeader: true, leaderUrl: null, coordinatorUrls };
const byFollower = (leaderUrl: string | null): PublicJobs => ({
  jobs: [followers],
  isLeader: false,
  leaderUrl,
  coordinatorUrls,
});

/** Answers by base address; what is missing does not answer. */
let world: Record<string, PublicJobs> = {};
let asked: string[] = [];
let isHidden = false;
let feed: JobsFeed;

beforeEach(() => {
  vi.useFakeTimers();
  world = {};
  asked = [];
  isHidden = false;
  feed = feedOf(b);
});
afterEach(() => {
  feed.stop();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

function feedOf(homeUrl: string): JobsFeed {
  return createJobsFeed({
    request: async (url) => {
      const base = String(url).replace('v1/jobs', '');
      asked.push(base);
      const answer = world[base];
      if (answer === undefined) throw new TypeError('Failed to fetch');
      return Response.json(answer);
    },
    isHidden: () => isHidden,
    homeUrl,
  });
}

async function next(): Promise<readonly string[]> {
  asked = [];
  await vi.advanceTimersToNextTimerAsync();
  return asked;
}

it('keeps what was last known while no coordinator answers', async () => {
  world = { [b]: { jobs: [digits], isLeader: true, leaderUrl: null, coordinatorUrls: [] } };
  expect(asked).toEqual([]);
  feed.start();
  await vi.waitFor(() => expect(feed.state.value).toBe('current'));
  expect(feed.jobs.value).toEqual([digits]);
  expect(feed.coordinatorUrls()).toEqual([b]);
  world = {};
  await next();
  expect(feed.state.value).toBe('unreachable');
  expect(feed.jobs.value).toEqual([digits]);
  isHidden = true;
  expect(await next()).toEqual([]);
});

it('asks the leader that a follower names, from then on', async () => {
  world = { [a]: byLeader, [b]: byFollower(a) };
  feed.start();
  await vi.waitFor(() => expect(feed.jobs.value).toEqual([digits]));
  expect(asked).toEqual([b, a]);
  expect(await next()).toEqual([a]);
  expect(feed.coordinatorUrls()).toEqual([a, b]);
});

it('shows what a follower knows, when it cannot reach the leader, which it does not ask again', async () => {
  world = { [b]: byFollower(a) };
  feed.start();
  await vi.waitFor(() => expect(feed.jobs.value).toEqual([followers]));
  expect(feed.state.value).toBe('current');
  expect(await next()).toEqual([b]);
  world = { [b]: byFollower(null) };
  expect(await next()).toEqual([b]);
});

it('turns to the others when the coordinator that it asked is gone', async () => {
  world = { [a]: byLeader, [b]: byFollower(a) };
  feed.start();
  await vi.waitFor(() => expect(feed.jobs.value).toEqual([digits]));
  world = { [b]: byLeader };
  expect(await next()).toEqual([a, b]);
  world = { [a]: byFollower(b), [b]: byLeader };
  expect(await next()).toEqual([b]);
  expect(feed.state.value).toBe('current');
});

it.each([
  ['this machine', 'http://b.test/', 'http://localhost:22/'],
  ['an unencrypted address', 'https://b.test/', 'http://a.test/'],
])('neither asks nor hands on %s that a coordinator names', async (_, home, other) => {
  feed = feedOf(home);
  const named = { ...byFollower(other), coordinatorUrls: [other, home] };
  world = { [home]: named, [other]: byLeader };
  feed.start();
  await vi.waitFor(() => expect(feed.jobs.value).toEqual([followers]));
  expect(feed.coordinatorUrls()).toEqual([home]);
  world = { [other]: byLeader };
  expect(await next()).toEqual([home]);
});
