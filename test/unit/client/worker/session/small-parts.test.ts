import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffDelayMs } from '../../../../../client/worker/session/backoff.ts';
import { createRateMeter } from '../../../../../client/worker/session/rate-meter.ts';
import type { WorkerStatus } from '../../../../../client/worker/session/status.ts';
import { createStatusBoard } from '../../../../../client/worker/session/status-board.ts';
import { createUploader } from '../../../../../client/worker/session/uploader.ts';
import { ManualTimers } from './support/manual-timers.ts';

describe('backoffDelayMs', () => {
  it('stays within its bounds and grows with the attempts', () => {
    fc.assert(
      fc.property(fc.nat(2_000), fc.double({ min: 0, max: 0.999, noNaN: true }), (attempt, chance) => {
        const delay = backoffDelayMs(attempt, 250, 15_000, chance);
        expect(delay).toBeGreaterThanOrEqual(125);
        expect(delay).toBeLessThanOrEqual(15_000);
        expect(backoffDelayMs(attempt + 1, 250, 15_000, chance)).toBeGreaterThanOrEqual(delay);
      }),
    );
  });
});

describe('createRateMeter', () => {
  it('counts from the beginning of the first unit, then over the last minute', () => {
    const meter = createRateMeter();
    expect(meter.perSecond(0)).toBe(0);
    meter.add(100, 1_000, 5_000);
    expect(meter.perSecond(5_000)).toBe(100);
    expect(meter.perSecond(6_000)).toBe(50);
    meter.add(60, 1_000, 70_000);
    expect(meter.perSecond(70_000)).toBe(1);
  });
});

describe('createStatusBoard', () => {
  it('tells at once, then at most four times a second, and never drops the last change', () => {
    const timers = new ManualTimers();
    const told: WorkerStatus[] = [];
    const board = createStatusBoard(timers, (status) => told.push(status));
    for (let round = 1; round <= 100; round++) {
      board.update({ round });
      timers.advance(10);
    }
    timers.advance(250);
    expect(told.length).toBeLessThanOrEqual(6);
    expect(told.at(-1)?.round).toBe(100);
    expect(board.current.round).toBe(100);
  });
});

describe('createUploader', () => {
  it('holds the next upload back while as many as the bound are under way', async () => {
    const uploader = createUploader(2);
    const finish: (() => void)[] = [];
    let started = 0;
    const task = (): Promise<void> => {
      started++;
      return new Promise((resolve) => finish.push(resolve));
    };
    await uploader.start(task);
    await uploader.start(task);
    const third = uploader.start(task);
    await Promise.resolve();
    expect(started).toBe(2);
    finish[0]?.();
    await third;
    expect(started).toBe(3);
    finish[1]?.();
    finish[2]?.();
    await uploader.drain();
  });
});
