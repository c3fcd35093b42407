import { expect, it } from 'vitest';
import { NextChange } from '../../../../server/runtime/next-change.ts';

it('wakes everyone who waits, once, and lets go of those who gave up', async () => {
  const change = new NextChange();
  const given = new AbortController();
  const woken: string[] = [];
  const wait = (name: string, signal: AbortSignal) => change.wait(signal).then(() => woken.push(name));
  const gaveUp = wait('gave up', given.signal);
  given.abort();
  await gaveUp;
  const others = [wait('one', new AbortController().signal), wait('two', new AbortController().signal)];
  expect(woken).toEqual(['gave up']);
  change.wake();
  await Promise.all(others);
  expect(woken).toEqual(['gave up', 'one', 'two']);
  await change.wait(given.signal);
});
