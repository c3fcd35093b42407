import { type ErrorCode, GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';
import type { Timers } from '../../../shared/protocol/timers.ts';
import type { RingExchange } from '../../../shared/sync/ring/ring-exchange.ts';
import { cancelled } from '../session/waiting.ts';
import type { RingNeighbours } from './ring-channel.ts';

export interface ExchangeFigures {
  /** To the successor; 0 when too little was sent to tell. */
  readonly bytesPerSecond: number;
  /** Messages of the predecessor that were refused and did no harm. */
  readonly refused: number;
}

export interface ExchangeRun {
  readonly exchange: RingExchange;
  readonly neighbours: RingNeighbours;
  readonly timers: Timers;
  readonly signal: AbortSignal;
}

/** What is late, of an earlier ring epoch, or came twice is no fault of anyone. */
const harmless: ReadonlySet<ErrorCode> = new Set(['staleRing', 'staleEpoch', 'wrongRound', 'duplicate']);

/**
 * Sends and receives until this member has the whole sum, and its successor everything of it.
 * @throws GradswarmError what a channel ended with, `cancelled` by the signal, or the code with which a message of the
 * predecessor was refused.
 */
export function runExchange({ exchange, neighbours, timers, signal }: ExchangeRun): Promise<ExchangeFigures> {
  const { toSuccessor, fromPredecessor } = neighbours;
  const startedMs = timers.nowMs();
  let bytesSent = 0;
  let refused = 0;
  let stopPolling = (): void => {};

  return new Promise<ExchangeFigures>((resolve, reject) => {
    const fail = (error: unknown): void => reject(error);
    const figures = (): ExchangeFigures => {
      const elapsedMs = timers.nowMs() - startedMs;
      return { bytesPerSecond: elapsedMs > 0 ? (bytesSent * 1000) / elapsedMs : 0, refused };
    };

    /** Hands out what is due while the channel has room, and looks again later while it has none. */
    const pump = (): void => {
      stopPolling();
      while (toSuccessor.bufferedBytes <= limits.ringRelayBytesMax) {
        const message = exchange.next();
        if (message === undefined) break;
        bytesSent += message.length;
        toSuccessor.send(message);
      }
      if (exchange.isDone && toSuccessor.bufferedBytes === 0) resolve(figures());
      else if (toSuccessor.bufferedBytes > 0) stopPolling = timers.after(limits.bufferedPollMs, pump);
    };

    signal.addEventListener('abort', () => fail(cancelled()), { once: true });
    if (signal.aborted) fail(cancelled());
    toSuccessor.onClose = (error) => {
      // A successor that has everything may close before its predecessor has seen that it left.
      const mayHaveArrived =
        exchange.segmentsUnsent === 0 && toSuccessor.bufferedBytes === 0 && error.code !== 'unreachable';
      if (mayHaveArrived) pump();
      else fail(error);
    };
    fromPredecessor.onClose = (error) => {
      // It has everything that it needs, and so have we.
      if (exchange.segmentsMissing > 0) fail(error);
    };
    fromPredecessor.onMessage = (bytes) => {
      try {
        exchange.receive(bytes);
        pump();
      } catch (error) {
        if (error instanceof GradswarmError && harmless.has(error.code)) refused += 1;
        else fail(error);
      }
    };
    pump();
  }).finally(() => {
    stopPolling();
    toSuccessor.close();
    fromPredecessor.close();
  });
}
