import { expect, test } from 'vitest';
import { createSteadyClock } from '../../../server/steady-clock.ts';

function clock() {
  const source = { wallMs: 1_000_000, monotonicMs: 50 };
  const now = createSteadyClock(
    () => source.wallMs,
    () => source.monotonicMs,
  );
  return { source, now };
}

test('begins with the time of the wall and goes on with that of the process', () => {
  const { source, now } = clock();
  expect(now()).toBe(1_000_000);
  source.monotonicMs += 250.25;
  expect(now()).toBe(1_000_250);
  source.monotonicMs += 0.75;
  expect(now()).toBe(1_000_251);
});

test('does not move when somebody sets the clock', () => {
  const { source, now } = clock();
  source.wallMs -= 3_600_000;
  expect(now()).toBe(1_000_000);
  source.wallMs += 7_200_000;
  expect(now()).toBe(1_000_000);
});

test('does not count the time for which the process was stopped', () => {
  const { source, now } = clock();
  source.monotonicMs += 60_000;
  expect(now()).toBe(1_001_000);
  source.monotonicMs += 250;
  expect(now()).toBe(1_001_250);
});
