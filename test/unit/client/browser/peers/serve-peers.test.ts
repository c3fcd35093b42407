import { expect, it, onTestFinished } from 'vitest';
import { createBridgedTransport } from '../../../../../client/browser/peers/bridged-transport.ts';
import { servePeers } from '../../../../../client/browser/peers/serve-peers.ts';
import { PeerLink } from '../../../../../client/worker/ring/peers/peer-link.ts';
import type { RingSignalling, RingTransport } from '../../../../../client/worker/ring/ring-channel.ts';
import { GradswarmError } from '../../../../../shared/base/errors.ts';
import { systemTimers } from '../../../../../shared/system/system-timers.ts';
import { until } from '../../worker/session/support/until.ts';

interface Bridge {
  /** As the page's connections have it. */
  readonly signalling: RingSignalling;
  readonly ends: string[];
  readonly withdraw: () => void;
}

/** A page and its worker, both in this thread; the page's connections wait for signals that never come. */
async function bridgeOver(send: RingSignalling['send']): Promise<Bridge> {
  let signalling: RingSignalling | undefined;
  const openConnection = (): never => {
    throw new Error('nobody calls here');
  };
  const waiting = (): PeerLink =>
    new PeerLink({ role: 'answer', openConnection, sendSignal: async () => {}, timers: systemTimers });
  const page: RingTransport = {
    kind: 'webrtc',
    isAllowed: true,
    async open(_, given) {
      signalling = given;
      return { toSuccessor: waiting(), fromPredecessor: waiting() };
    },
  };
  const { port1, port2 } = new MessageChannel();
  const withdraw = servePeers(port1, page, systemTimers);
  const transport = createBridgedTransport();
  transport.lend(port2);
  onTestFinished(() => {
    withdraw();
    transport.lend(undefined);
  });
  const place = { successor: 'b', predecessor: 'c', iceServers: [] };
  const neighbours = await transport.open(place, { send, onSignal: undefined }, new AbortController().signal);
  const ends: string[] = [];
  neighbours.toSuccessor.onClose = ({ code }) => ends.push(`to ${code}`);
  neighbours.fromPredecessor.onClose = ({ code }) => ends.push(`from ${code}`);
  await until(() => signalling !== undefined);
  if (signalling === undefined) throw new Error('the page was not asked');
  return { signalling, ends, withdraw };
}

it('has sent a signal when the worker has, whichever of several is done first', async () => {
  const done: string[] = [];
  const finish = new Map<string, () => void>();
  const { signalling } = await bridgeOver((_to, text) => new Promise((resolve) => finish.set(text, resolve)));
  for (const text of ['first', 'second'])
    void signalling.send('b', text).then(() => {
      done.push(text);
    });
  await until(() => finish.size === 2);
  expect(done).toEqual([]);
  finish.get('second')?.();
  await until(() => done.length > 0);
  expect(done).toEqual(['second']);
  finish.get('first')?.();
  await until(() => done.length === 2);
});

it('tells the connection of a signal that could not be sent, and ends no channel for it', async () => {
  const { signalling, ends } = await bridgeOver((to) =>
    to === 'b' ? Promise.reject(new GradswarmError('rateLimited', 'too many calls')) : Promise.resolve(),
  );
  await expect(signalling.send('b', 'offer')).rejects.toThrow('too many calls');
  await expect(signalling.send('c', 'answer')).resolves.toBeUndefined();
  expect(ends).toEqual([]);
});

it('ends both channels where consent is withdrawn', async () => {
  const { ends, withdraw } = await bridgeOver(async () => {});
  withdraw();
  await until(() => ends.length === 2);
  expect(ends).toEqual(['to unavailable', 'from unavailable']);
});
