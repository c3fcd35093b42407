import { describe, expect, it, onTestFinished } from 'vitest';
import {
  type BridgedTransport,
  createBridgedTransport,
} from '../../client/browser/peers/bridged-transport.ts';
import { servePagePeers } from '../../client/browser/peers/page-transport.ts';
import { exchangeOver, openAt, Signals, wholeSum } from '../unit/client/worker/ring/support/peer-members.ts';
import { until } from '../unit/client/worker/session/support/until.ts';

/** As a page and its worker are connected, both ends in this thread. */
function bridge(): { readonly transport: BridgedTransport; readonly withdraw: () => void } {
  const transport = createBridgedTransport();
  const { port1, port2 } = new MessageChannel();
  const close = servePagePeers(port1);
  transport.lend(port2);
  const withdraw = (): void => {
    close();
    transport.lend(undefined);
  };
  onTestFinished(withdraw);
  return { transport, withdraw };
}

describe('the page’s peer connections, lent to workers', () => {
  it.each([2, 3])(
    'sum among %i members over RTCPeerConnections, to the bits of any other way',
    async (count) => {
      const length = 100_000;
      const { signal } = new AbortController();
      const names = ['a', 'b', 'c'].slice(0, count);
      const signals = new Signals();
      const results = await Promise.all(
        names.map(async (name, position) => {
          const neighbours = await openAt({ name, transport: bridge().transport }, names, signals, signal);
          return exchangeOver(neighbours, position, count, length, signal);
        }),
      );
      const expected = wholeSum(count, length);
      for (const { sum, figures } of results) {
        expect(sum.every((value, index) => value === expected[index])).toBe(true);
        expect(figures.refused).toBe(0);
      }
    },
  );

  it('end for both when one withdraws its consent, which is told as no fault', async () => {
    const { signal } = new AbortController();
    const names = ['a', 'b'];
    const signals = new Signals();
    const [one, other] = [bridge(), bridge()];
    const [first, second] = await Promise.all([
      openAt({ name: 'a', transport: one.transport }, names, signals, signal),
      openAt({ name: 'b', transport: other.transport }, names, signals, signal),
    ]);
    const ends: string[] = [];
    const arrived: number[] = [];
    first.toSuccessor.onClose = ({ code }) => ends.push(`first ${code}`);
    second.fromPredecessor.onClose = ({ code }) => ends.push(`second ${code}`);
    second.fromPredecessor.onMessage = ({ length }) => arrived.push(length);
    first.toSuccessor.send(new Uint8Array(1_000));
    await until(() => arrived.length === 1);
    one.withdraw();
    await until(() => ends.length === 2);
    expect(ends.toSorted()).toEqual(['first unavailable', 'second unavailable']);
    expect(one.transport.isAllowed).toBe(false);
    const again = openAt({ name: 'a', transport: one.transport }, names, signals, signal);
    await expect(again).rejects.toMatchObject({ code: 'unreachable' });
  });

  it('tell what still waits to leave, so that a sender pauses', async () => {
    const { signal } = new AbortController();
    const names = ['a', 'b'];
    const signals = new Signals();
    const [first, second] = await Promise.all(
      names.map((name) => openAt({ name, transport: bridge().transport }, names, signals, signal)),
    );
    let received = 0;
    if (second !== undefined)
      second.fromPredecessor.onMessage = ({ length }) => {
        received += length;
      };
    for (let index = 0; index < 100; index++) first?.toSuccessor.send(new Uint8Array(60_000));
    expect(first?.toSuccessor.bufferedBytes).toBe(6_000_000);
    await until(() => received === 6_000_000 && first?.toSuccessor.bufferedBytes === 0);
  });
});
