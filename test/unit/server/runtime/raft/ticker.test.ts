import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startTicker } from '../../../../../server/runtime/raft/ticker.ts';
import { limits } from '../../../../../shared/base/limits.ts';

describe('the ticker', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('ticks as time goes by, until it is stopped', () => {
    let ticks = 0;
    const stop = startTicker((count) => {
      ticks += count;
    });
    vi.advanceTimersByTime(10 * limits.raftTickMs);
    expect(ticks).toBe(10);
    stop();
    vi.advanceTimersByTime(10 * limits.raftTickMs);
    expect(ticks).toBe(10);
  });

  it('makes up for a few ticks after a pause, once', () => {
    const counts: number[] = [];
    const stop = startTicker((count) => counts.push(count));
    vi.advanceTimersByTime(limits.raftTickMs);
    // The process is stopped for an hour: its timer fires once when it goes on.
    const now = performance.now();
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now + 3_600_000);
    vi.advanceTimersByTime(limits.raftTickMs);
    expect(counts).toEqual([1, limits.raftTicksAtOnceMax]);
    clock.mockImplementation(() => now + 3_600_000 + limits.raftTickMs);
    vi.advanceTimersByTime(limits.raftTickMs);
    expect(counts).toEqual([1, limits.raftTicksAtOnceMax, 1]);
    clock.mockRestore();
    stop();
  });
});
