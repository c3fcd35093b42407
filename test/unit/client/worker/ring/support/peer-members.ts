import { createInbox, type Inbox } from '../../../../../../client/worker/ring/inbox.ts';
import type {
  RingNeighbours,
  RingSignalling,
  RingTransport,
} from '../../../../../../client/worker/ring/ring-channel.ts';
import { type ExchangeFigures, runExchange } from '../../../../../../client/worker/ring/run-exchange.ts';
import { type ReceivedSignal, signallingOver } from '../../../../../../client/worker/ring/signalling-over.ts';
import { limits } from '../../../../../../shared/base/limits.ts';
import { crc32 } from '../../../../../../shared/protocol/checksum.ts';
import { createRingExchange } from '../../../../../../shared/sync/ring/ring-exchange.ts';
import { systemTimers } from '../../../../../../shared/system/system-timers.ts';

const identity = { epoch: 1, round: 2, ringId: 3, ringEpoch: 4 };

export interface Member {
  readonly name: string;
  readonly transport: RingTransport;
}

/** Passes signals between members, as the coordinator does. `tamper` may change a text, or drop it. */
export class Signals {
  private readonly inboxes = new Map<string, Inbox<ReceivedSignal>>();
  readonly tamper: (from: string, to: string, text: string) => string | undefined;

  constructor(tamper: Signals['tamper'] = (_from, _to, text) => text) {
    this.tamper = tamper;
  }

  of(name: string): RingSignalling {
    const inbox = this.inboxOf(name);
    return signallingOver(inbox, async (to, text) => {
      const passed = this.tamper(name, to, text);
      if (passed !== undefined) this.inboxOf(to).put({ from: name, text: passed });
    });
  }

  put(to: string, from: string, text: string): void {
    this.inboxOf(to).put({ from, text });
  }

  private inboxOf(name: string): Inbox<ReceivedSignal> {
    const inbox = this.inboxes.get(name) ?? createInbox<ReceivedSignal>();
    this.inboxes.set(name, inbox);
    return inbox;
  }
}

export function openAt(
  { name, transport }: Member,
  names: readonly string[],
  signals: Signals,
  signal: AbortSignal,
): Promise<RingNeighbours> {
  const at = (step: number): string =>
    names[(names.indexOf(name) + step + names.length) % names.length] ?? '';
  const place = { successor: at(1), predecessor: at(-1), iceServers: [] };
  return transport.open(place, signals.of(name), signal);
}

/** Sums that take all their bits, so that messages are as large as they get. */
export function ownSum(position: number, length: number): Float64Array {
  return Float64Array.from(
    { length },
    (_, index) => ((index * 7 + position * 13) % 101) / 101 - (index % 3),
  ).map((value) => Math.round(value * 2 ** 40) / 2 ** 40);
}

export function wholeSum(members: number, length: number): Float64Array {
  const sum = new Float64Array(length);
  for (let position = 0; position < members; position++)
    ownSum(position, length).forEach((value, index) => {
      sum[index] = (sum[index] ?? 0) + value;
    });
  return sum;
}

/** One member's exchange over its channels; resolves with its sum. */
export async function exchangeOver(
  neighbours: RingNeighbours,
  position: number,
  members: number,
  length: number,
  signal: AbortSignal,
): Promise<{ readonly sum: Float64Array; readonly figures: ExchangeFigures }> {
  const sum = ownSum(position, length);
  const layout = { members, length, segmentValues: limits.ringSegmentValues };
  const exchange = createRingExchange({ identity, layout, position, sum, weight: members, checksum: crc32 });
  const figures = await runExchange({ exchange, neighbours, timers: systemTimers, signal });
  return { sum, figures };
}
