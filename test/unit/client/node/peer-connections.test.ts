import { expect, it, onTestFinished } from 'vitest';
import { loadPeerTransport } from '../../../../client/node/peer-connections.ts';
import { systemTimers } from '../../../../shared/system/system-timers.ts';
import { exchangeOver, openAt, Signals, wholeSum } from '../worker/ring/support/peer-members.ts';

const length = 100_000;

it.each([2, 3])(
  'sums over data channels of %i members in Node, to the bits of any other way',
  async (count) => {
    const stopping = new AbortController();
    onTestFinished(() => stopping.abort());
    const transport = await loadPeerTransport(systemTimers);
    if (transport === undefined) throw new Error('node-datachannel is installed, but does not load.');
    const names = ['a', 'b', 'c'].slice(0, count);
    const signals = new Signals();
    const results = await Promise.all(
      names.map(async (name, position) => {
        const neighbours = await openAt({ name, transport }, names, signals, stopping.signal);
        return exchangeOver(neighbours, position, count, length, stopping.signal);
      }),
    );
    const expected = wholeSum(count, length);
    for (const { sum } of results) expect(sum.every((value, index) => value === expected[index])).toBe(true);
  },
);
