import { expect, it, vi } from 'vitest';
import { createJobsFeed } from '../../../../client/browser/jobs-feed.ts';
import { digits } from '../../../support/contributor-states.ts';

it('keeps what was last known while the coordinator does not answer', async () => {
  const answers = [Response.json({ jobs: [digits] }), new Response('', { status: 503 })];
  let isHidden = false;
  let asked = 0;
  vi.useFakeTimers();
  const feed = createJobsFeed(
    async () => answers[asked++] ?? new Response('<html>'),
    () => isHidden,
  );
  expect(asked).toBe(0);
  feed.start();
  await vi.waitFor(() => expect(feed.state.value).toBe('current'));
  expect(feed.jobs.value).toEqual([digits]);
  await vi.advanceTimersToNextTimerAsync();
  expect(feed.state.value).toBe('unreachable');
  expect(feed.jobs.value).toEqual([digits]);
  isHidden = true;
  await vi.advanceTimersToNextTimerAsync();
  expect(asked).toBe(2);
  feed.stop();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});
