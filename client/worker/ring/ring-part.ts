import { type ErrorCode, GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';
import type { Checksum } from '../../../shared/protocol/checksum.ts';
import type { IceServer } from '../../../shared/protocol/ice-server.ts';
import type { RingPlan } from '../../../shared/protocol/services.ts';
import type { Timers } from '../../../shared/protocol/timers.ts';
import { createRingExchange } from '../../../shared/sync/ring/ring-exchange.ts';
import { packSums } from '../../../shared/tensor/packed-sums.ts';
import type { Sha256 } from '../data/sha256.ts';
import { cancelled } from '../session/waiting.ts';
import type { HeldSum } from './held-sums.ts';
import { createInbox, type Inbox } from './inbox.ts';
import { openRelay } from './relay-transport.ts';
import type { QuotedRing, RingCalls } from './ring-calls.ts';
import type { RingNeighbours, RingPlace, RingTransport } from './ring-channel.ts';
import { type ExchangeFigures, runExchange } from './run-exchange.ts';
import { type ReceivedSignal, signallingOver } from './signalling-over.ts';

/** The sum of a ring, ready to be handed in. */
export interface RingSum {
  readonly ring: QuotedRing;
  readonly packed: Uint8Array;
  readonly hash: string;
}

export interface RingPartOptions {
  readonly plan: RingPlan;
  readonly ring: QuotedRing;
  readonly self: string;
  readonly calls: RingCalls;
  readonly transports: readonly RingTransport[];
  readonly iceServers: readonly IceServer[];
  readonly sha256: Sha256;
  readonly checksum: Checksum;
  readonly timers: Timers;
}

/** This worker's part in one ring epoch, from the plan to the report. */
export interface RingPart {
  readonly ring: QuotedRing;
  readonly relayed: Inbox<Uint8Array>;
  readonly signals: Inbox<ReceivedSignal>;
  /**
   * Runs the exchange over a copy of what this worker holds and reports the hash of the sum, or why there is none.
   * `keep` gets the sum before: the coordinator may ask for it before its answer to the report is read.
   * @throws GradswarmError when the report is refused.
   */
  run(held: HeldSum | undefined, keep: (sum: RingSum) => void): Promise<void>;
  stop(): void;
  /** What this worker holds may be another sum by now. */
  readonly isStopped: boolean;
}

interface Summed {
  readonly sum: RingSum;
  readonly figures: ExchangeFigures;
}

/** Part of the deadline after which a member that got nothing says that it is there. */
const patience = 0.7;

export function createRingPart(options: RingPartOptions): RingPart {
  const { plan, ring, self, calls, sha256, timers } = options;
  const stopping = new AbortController();
  const relayed = createInbox<Uint8Array>();
  const signals = createInbox<ReceivedSignal>();
  const ids = plan.members.map(({ workerId }) => workerId);
  const position = ids.indexOf(self);
  const neighbour = (step: number): string => ids[(position + step + ids.length) % ids.length] ?? '';
  const { iceServers } = options;
  const place: RingPlace = { successor: neighbour(1), predecessor: neighbour(-1), iceServers };

  const report = (outcome: {
    sumHash?: string;
    failure?: ErrorCode;
    bytesPerSecond?: number;
    refused?: number;
  }) => calls.report(ring, { sumHash: '', failure: '', bytesPerSecond: 0, refused: 0, ...outcome });

  const sumUp = async (held: HeldSum): Promise<Summed> => {
    const layout = { members: ids.length, length: held.sum.length, segmentValues: limits.ringSegmentValues };
    const sum = held.sum.slice();
    const { weight } = plan;
    const { checksum } = options;
    const exchange = createRingExchange({ identity: ring, layout, position, sum, weight, checksum });
    const neighbours = await openNeighbours(options, place, relayed, signals, stopping.signal);
    const figures = await runExchange({ exchange, neighbours, timers, signal: stopping.signal });
    const packed = packSums(sum);
    return { sum: { ring, packed, hash: await sha256(packed) }, figures };
  };

  return {
    ring,
    relayed,
    signals,
    async run(held, keep) {
      if (held === undefined || position < 0) {
        await report({ failure: 'conflict' });
        return;
      }
      const stopWaiting = timers.after(plan.deadlineMs * patience, () => {
        report({ failure: 'unavailable' }).catch(() => {});
      });
      const summed = await sumUp(held).catch((error: unknown) => {
        if (stopping.signal.aborted) throw cancelled();
        if (error instanceof GradswarmError) return error;
        throw error;
      });
      stopWaiting();
      if (summed instanceof GradswarmError) {
        await report({ failure: summed.code });
        return;
      }
      keep(summed.sum);
      await report({ sumHash: summed.sum.hash, ...summed.figures });
    },
    stop: () => stopping.abort(),
    get isStopped() {
      return stopping.signal.aborted;
    },
  };
}

/** @throws GradswarmError `unreachable`. */
async function openNeighbours(
  { plan, ring, calls, transports, timers }: RingPartOptions,
  place: RingPlace,
  relayed: Inbox<Uint8Array>,
  signals: Inbox<ReceivedSignal>,
  signal: AbortSignal,
): Promise<RingNeighbours> {
  const { successor } = place;
  if (plan.channel === 'relay') return openRelay({ calls, ring, successor, inbox: relayed, timers, signal });
  const transport = transports.find(({ kind, isAllowed }) => kind === plan.channel && isAllowed);
  if (transport !== undefined) {
    const signalling = signallingOver(signals, (to, text) => calls.signal(ring, to, text));
    return transport.open(place, signalling, signal);
  }
  throw new GradswarmError('unreachable', `This worker has no channel of the kind "${plan.channel}".`);
}
