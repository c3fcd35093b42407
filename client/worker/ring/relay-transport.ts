import { GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';
import type { Timers } from '../../../shared/protocol/timers.ts';
import { messageOf } from '../session/refusal.ts';
import type { Inbox } from './inbox.ts';
import { splitBatch, takeBatch } from './relay-batch.ts';
import type { QuotedRing, RingCalls } from './ring-calls.ts';
import type { RingChannel, RingNeighbours } from './ring-channel.ts';

/** Calls under way at once. */
const relaysMax = 4;

export interface RelayOptions {
  readonly calls: RingCalls;
  readonly ring: QuotedRing;
  readonly successor: string;
  /** Gets what the predecessor sends. */
  readonly inbox: Inbox<Uint8Array>;
  readonly timers: Timers;
  readonly signal: AbortSignal;
}

/** The way through the coordinator, which there always is. */
export function openRelay(options: RelayOptions): RingNeighbours {
  return { toSuccessor: createSending(options), fromPredecessor: createReceiving(options.inbox) };
}

/** Few calls, because a connection may begin only so many: what comes between two of them goes together. */
function createSending({ calls, ring, successor, timers, signal }: RelayOptions): RingChannel {
  const queue: Uint8Array[] = [];
  let underWay = 0;
  let bufferedBytes = 0;
  let isClosed = false;
  let isPausing = false;

  const channel: RingChannel = {
    send(bytes) {
      if (isClosed) return;
      queue.push(bytes);
      bufferedBytes += bytes.length;
      pump();
    },
    get bufferedBytes() {
      return bufferedBytes;
    },
    close() {
      isClosed = true;
      queue.length = 0;
    },
    onMessage: undefined,
    onClose: undefined,
  };

  const pump = (): void => {
    if (isClosed || isPausing || underWay >= relaysMax || queue.length === 0) return;
    const before = queue.reduce((sum, { length }) => sum + length, 0);
    const batch = takeBatch(queue);
    const bytes = before - queue.reduce((sum, { length }) => sum + length, 0);
    underWay += 1;
    isPausing = true;
    timers.after(limits.ringRelayIntervalMs, () => {
      isPausing = false;
      pump();
    });
    calls.relay(ring, successor, batch, signal).then(
      () => {
        underWay -= 1;
        bufferedBytes -= bytes;
        pump();
      },
      (error: unknown) => {
        if (!isClosed) channel.onClose?.(new GradswarmError('unavailable', messageOf(error)));
        isClosed = true;
      },
    );
  };
  return channel;
}

function createReceiving(inbox: Inbox<Uint8Array>): RingChannel {
  return {
    send() {},
    bufferedBytes: 0,
    close() {
      inbox.listener = () => {};
    },
    get onMessage() {
      return inbox.listener;
    },
    set onMessage(listener) {
      inbox.listener = listener && ((batch) => splitBatch(batch).forEach(listener));
    },
    onClose: undefined,
  };
}
