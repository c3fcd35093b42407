import { expect, it } from 'vitest';
import { createGate } from '../../../../../server/net/peers/gate.ts';
import { codeOf, signal } from './running-peers.ts';

/** A task that ends when it is told to. */
function task(): {
  readonly run: () => Promise<void>;
  readonly isRunning: () => boolean;
  readonly end: () => void;
} {
  let isRunning = false;
  let end = (): void => {};
  const run = async (): Promise<void> => {
    isRunning = true;
    await new Promise<void>((resolve) => {
      end = resolve;
    });
    isRunning = false;
  };
  return { run, isRunning: () => isRunning, end: () => end() };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('lets so many run, so many wait in order, and turns the rest away', async () => {
  const gate = createGate(2, 2);
  const tasks = [task(), task(), task(), task()];
  const running = (): readonly boolean[] => tasks.map(({ isRunning }) => isRunning());
  const results = tasks.map(({ run }) => gate.run(run, signal()));
  expect(await codeOf(gate.run(task().run, signal()))).toBe('unavailable');
  expect(running()).toEqual([true, true, false, false]);
  tasks[1]?.end();
  await turn();
  expect(running()).toEqual([true, false, true, false]);
  tasks[0]?.end();
  await turn();
  expect(running()).toEqual([false, false, true, true]);
  for (const { end } of tasks) end();
  await Promise.all(results);
  await expect(gate.run(() => Promise.resolve(7), signal())).resolves.toBe(7);
});

it('a task that fails gives its place back', async () => {
  const gate = createGate(1, 0);
  await expect(gate.run(() => Promise.reject(new Error('defect')), signal())).rejects.toThrow('defect');
  await expect(gate.run(() => Promise.resolve(7), signal())).resolves.toBe(7);
});

it('whoever gives up while it waits leaves its place to the next', async () => {
  const gate = createGate(1, 2);
  const [first, second, third] = [task(), task(), task()];
  const controller = new AbortController();
  const results = [gate.run(first.run, signal()), gate.run(third.run, signal())];
  const given = codeOf(gate.run(second.run, controller.signal));
  controller.abort();
  expect(await given).toBe('cancelled');
  expect(await codeOf(gate.run(second.run, controller.signal))).toBe('cancelled');
  first.end();
  await turn();
  expect([second.isRunning(), third.isRunning()]).toEqual([false, true]);
  third.end();
  await Promise.all(results);
});
