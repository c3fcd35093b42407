import { expect, it } from 'vitest';
import { createInbox } from '../../../../../client/worker/ring/inbox.ts';
import { PeerLink } from '../../../../../client/worker/ring/peers/peer-link.ts';
import { takeBatch } from '../../../../../client/worker/ring/relay-batch.ts';
import { openRelay } from '../../../../../client/worker/ring/relay-transport.ts';
import type { RingCalls } from '../../../../../client/worker/ring/ring-calls.ts';
import type { RingChannel } from '../../../../../client/worker/ring/ring-channel.ts';
import { runExchange } from '../../../../../client/worker/ring/run-exchange.ts';
import { GradswarmError } from '../../../../../shared/base/errors.ts';
import { crc32 } from '../../../../../shared/protocol/checksum.ts';
import { createRingExchange, type RingExchange } from '../../../../../shared/sync/ring/ring-exchange.ts';
import { systemTimers } from '../../../../../shared/system/system-timers.ts';

const ring = { jobId: 'digits', epoch: 1, round: 2, ringId: 3, ringEpoch: 4 };
const { signal } = new AbortController();
const unused = (): never => {
  throw new Error('not due here');
};
const calls: RingCalls = {
  watch: unused,
  relay: unused,
  signal: unused,
  report: unused,
  upload: unused,
};

function exchangeOf(position: number): RingExchange {
  const layout = { members: 2, length: 100, segmentValues: 64 };
  const sum = new Float64Array(layout.length).fill(1 + position);
  return createRingExchange({ identity: ring, layout, position, sum, weight: 2, checksum: crc32 });
}

/** The neighbours of the first member of two: all that the second has to say has come, so that nothing is kept back. */
function neighboursOf(relay: RingCalls['relay']): ReturnType<typeof openRelay> {
  const [first, second] = [exchangeOf(0), exchangeOf(1)];
  const inbox = createInbox<Uint8Array>();
  const messages: Uint8Array[] = [];
  for (let step = 0; step < 2; step++) {
    for (const [from, to] of [[second, first] as const, [first, second] as const]) {
      for (let bytes = from.next(); bytes; bytes = from.next()) {
        if (from === second) messages.push(bytes);
        to.receive(bytes);
      }
    }
  }
  inbox.put(takeBatch(messages));
  return openRelay({
    calls: { ...calls, relay },
    ring,
    successor: 'b',
    inbox,
    timers: systemTimers,
    signal,
  });
}

const run = (toSuccessor: RingChannel, fromPredecessor: RingChannel) =>
  runExchange({
    exchange: exchangeOf(0),
    neighbours: { toSuccessor, fromPredecessor },
    timers: systemTimers,
    signal,
  });

it('resolves when everything has come and left', async () => {
  const { toSuccessor, fromPredecessor } = neighboursOf(async () => {});
  await expect(run(toSuccessor, fromPredecessor)).resolves.toMatchObject({ refused: 0 });
});

it('fails by a relay that fails with the last messages', async () => {
  const { toSuccessor, fromPredecessor } = neighboursOf(() =>
    Promise.reject(new GradswarmError('connectionLost', 'gone')),
  );
  await expect(run(toSuccessor, fromPredecessor)).rejects.toMatchObject({ code: 'unavailable' });
});

it('fails by a successor that never could be reached, though all was handed out', async () => {
  const { fromPredecessor } = neighboursOf(async () => {});
  const toSuccessor = new PeerLink({
    role: 'offer',
    openConnection: () => {
      throw new Error('no way');
    },
    sendSignal: async () => {},
    timers: systemTimers,
  });
  await expect(run(toSuccessor, fromPredecessor)).rejects.toMatchObject({ code: 'unreachable' });
});
