import { expect, test } from 'vitest';
import { heartbeatIntervalMs } from '../../../../server/net/heartbeat-interval.ts';
import { limits } from '../../../../shared/base/limits.ts';

const workers = 1_000;
const intervals = Array.from({ length: workers }, (_, index) => heartbeatIntervalMs(index));

test('no worker is asked for fewer heartbeats than the limit says, and none for many more', () => {
  expect(Math.max(...intervals)).toBe(limits.heartbeatIntervalMs);
  expect(Math.min(...intervals)).toBeGreaterThanOrEqual(0.75 * limits.heartbeatIntervalMs);
});

test('workers that began together are spread over the interval a minute later', () => {
  const windowMs = limits.heartbeatIntervalMs / 20;
  const counts = new Map<number, number>();
  for (const interval of intervals) {
    const beatMs = Math.ceil(60_000 / interval) * interval;
    const window = Math.floor(beatMs / windowMs);
    counts.set(window, (counts.get(window) ?? 0) + 1);
  }
  expect(Math.max(...counts.values())).toBeLessThan(workers / 10);
});
