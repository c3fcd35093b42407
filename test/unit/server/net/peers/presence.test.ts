import { expect, it } from 'vitest';
import { createPresence } from '../../../../../server/net/peers/presence.ts';
import { codeOf, signal } from './running-peers.ts';

it('is there at once when it is there, and after a wait when it comes', async () => {
  const presence = createPresence<number>();
  const waiting = [presence.wait(signal(), 60_000, 'it'), presence.wait(signal(), 60_000, 'it')];
  expect(presence.current).toBeUndefined();
  presence.set(7);
  expect(await Promise.all(waiting)).toEqual([7, 7]);
  expect(await presence.wait(signal(), 0, 'it')).toBe(7);
});

it('is given up by the signal, or after the time, with a word about what was missing', async () => {
  const presence = createPresence<number>();
  await expect(presence.wait(signal(), 1, 'node b')).rejects.toThrow('node b is not connected');
  const controller = new AbortController();
  const given = codeOf(presence.wait(controller.signal, 60_000, 'it'));
  controller.abort();
  expect(await given).toBe('cancelled');
  presence.set(7);
  presence.set(undefined);
  expect(await codeOf(presence.wait(AbortSignal.abort(), 60_000, 'it'))).toBe('cancelled');
  expect(await codeOf(presence.wait(signal(), 1, 'it'))).toBe('unavailable');
});
