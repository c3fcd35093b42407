import { expose } from 'comlink';
import { expect, it, onTestFinished, vi } from 'vitest';
import type { OpenedWorker } from '../../../../client/browser/contribution.ts';
import { openWorker } from '../../../../client/browser/open-worker.ts';

/** Opens a worker in this thread, since Node has no `Worker` of the browser's; `lent` is what it was lent or not any more. */
function openHere(): { readonly opened: OpenedWorker; readonly lent: boolean[] } {
  const lent: boolean[] = [];
  const { port1, port2 } = new MessageChannel();
  expose({ lendPeers: (port: MessagePort | undefined) => void lent.push(port !== undefined) }, port2);
  vi.stubGlobal('Worker', function TestWorker() {
    return Object.assign(port1, { terminate: () => port1.close() });
  });
  const opened = openWorker();
  onTestFinished(() => {
    port1.close();
    port2.close();
    vi.unstubAllGlobals();
  });
  return { opened, lent };
}

it('lends peer connections while they are allowed', async () => {
  const { opened, lent } = openHere();
  await opened.allowPeers(true);
  await opened.allowPeers(false);
  expect(lent).toEqual([true, false]);
});

it('lends none where consent was taken back before their code had come', async () => {
  const { opened, lent } = openHere();
  await Promise.all([opened.allowPeers(true), opened.allowPeers(false)]);
  expect(lent).toEqual([false]);
});

it('lends them once where consent was given, taken back and given again meanwhile', async () => {
  const { opened, lent } = openHere();
  await Promise.all([opened.allowPeers(true), opened.allowPeers(false), opened.allowPeers(true)]);
  expect(lent).toEqual([false, true]);
  opened.terminate();
});

it('lends none to a worker that has ended before their code had come', async () => {
  const { opened, lent } = openHere();
  const lending = opened.allowPeers(true);
  opened.terminate();
  await lending;
  expect(lent).toEqual([]);
});
