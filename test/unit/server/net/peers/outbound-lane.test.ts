import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { MetPeer } from '../../../../../server/net/peers/dial-peer.ts';
import { type OutboundLane, openOutboundLane } from '../../../../../server/net/peers/outbound-lane.ts';
import { limits } from '../../../../../shared/base/limits.ts';

const { peerReconnectDelayMsMin: delayMsMin, peerReconnectDelayMsMax: delayMsMax } = limits;

interface Attempt {
  readonly atMs: number;
  readonly signal: AbortSignal;
  succeed(): void;
  fail(): void;
}

let attempts: Attempt[];
let failures: unknown[];
let opened: { end(): void }[];
let lane: OutboundLane;

/** What was dialed is never used here: only when is of interest. */
const peer = { link: { close: () => {} }, socket: { terminate: () => {} } } as unknown as MetPeer;

beforeEach(() => {
  vi.useFakeTimers();
  attempts = [];
  failures = [];
  opened = [];
  lane = openOutboundLane({
    dial: (signal) =>
      new Promise((resolve, reject) => {
        const fail = (): void => reject(new Error('no'));
        signal.addEventListener('abort', fail);
        attempts.push({ atMs: performance.now(), signal, succeed: () => resolve(peer), fail });
      }),
    onOpen: () => new Promise((resolve) => opened.push({ end: () => resolve(undefined) })),
    onFailure: (error) => failures.push(error),
  });
});
afterEach(() => vi.useRealTimers());

const last = (): Attempt => attempts.at(-1) as Attempt;

async function pass(durationMs: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(durationMs);
}

it('tries again after growing pauses, part of which is chance', async () => {
  const pauses: number[] = [];
  for (let failed = 1; failed <= 8; failed++) {
    last().fail();
    const failedMs = performance.now();
    await pass(delayMsMax);
    expect(attempts).toHaveLength(failed + 1);
    pauses.push(last().atMs - failedMs);
  }
  pauses.forEach((pause, index) => {
    const longest = Math.min(delayMsMax, delayMsMin * 2 ** index);
    expect(pause).toBeGreaterThanOrEqual(longest / 2 - 1);
    expect(pause).toBeLessThanOrEqual(longest + 1);
  });
  expect(failures).toHaveLength(8);
});

it('is back soon after a long connection, and less soon after short ones', async () => {
  last().succeed();
  await pass(delayMsMax + 1);
  opened[0]?.end();
  await pass(delayMsMin);
  expect(attempts).toHaveLength(2);
  for (let time = 0; time < 6; time++) {
    last().succeed();
    await pass(0);
    opened.at(-1)?.end();
    await pass(delayMsMax);
  }
  const count = attempts.length;
  last().succeed();
  await pass(0);
  opened.at(-1)?.end();
  await pass(delayMsMax / 2 - 1);
  expect(attempts).toHaveLength(count);
  expect(failures).toEqual([]);
});

it('does not wait when the other side shows itself', async () => {
  for (let time = 0; time < 6; time++) {
    last().fail();
    await pass(delayMsMax);
  }
  last().fail();
  await pass(1);
  const count = attempts.length;
  lane.nudge();
  await pass(0);
  expect(attempts).toHaveLength(count + 1);
});

it('gives up an attempt that goes nowhere when the other side shows itself, but not a young one', async () => {
  lane.nudge();
  expect(last().signal.aborted).toBe(false);
  await pass(delayMsMin + 1);
  lane.nudge();
  await pass(0);
  expect(attempts.map(({ signal }) => signal.aborted)).toEqual([true, false]);
  expect(failures).toEqual([]);
  last().succeed();
  await pass(0);
  lane.nudge();
  expect(attempts).toHaveLength(2);
});

it.each<readonly [string, () => void]>([
  ['in an attempt', () => {}],
  ['in a pause', () => last().fail()],
])('ends when it is closed %s', async (_, before) => {
  before();
  await pass(0);
  const closed = lane.close(1001, 'bye');
  await pass(0);
  await closed;
  await pass(10 * delayMsMax);
  expect(attempts).toHaveLength(1);
  expect(opened).toEqual([]);
});
