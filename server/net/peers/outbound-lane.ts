import { limits } from '../../../shared/base/limits.ts';
import type { MetPeer } from './dial-peer.ts';

export interface OutboundLaneOptions {
  dial(signal: AbortSignal): Promise<MetPeer>;
  /** Takes the link over; resolves when the connection has ended. */
  onOpen(peer: MetPeer): Promise<unknown>;
  onFailure(error: unknown): void;
}

/** A connection to one coordinator that is made again and again until it is closed. */
export interface OutboundLane {
  /** The other side has shown itself: no reason to wait any longer. */
  nudge(): void;
  /** Resolves when the connection has ended. */
  close(code: number, reason: string): Promise<void>;
}

/** A younger attempt may be about to succeed. */
const attemptMsMin = limits.peerReconnectDelayMsMin;

export function openOutboundLane({ dial, onOpen, onFailure }: OutboundLaneOptions): OutboundLane {
  let isClosed = false;
  let current: MetPeer | undefined;
  let attempt: { readonly abort: AbortController; readonly startedMs: number } | undefined;
  let isNudged = false;
  const pause = createPause();

  const startAttempt = (): AbortController => {
    const abort = new AbortController();
    attempt = { abort, startedMs: performance.now() };
    isNudged = false;
    return abort;
  };

  /** @returns how long it lasted, in milliseconds; 0 when it did not come about. */
  const connectOnce = async (): Promise<number> => {
    const { signal } = startAttempt();
    try {
      current = await dial(signal);
      attempt = undefined;
      const openedMs = performance.now();
      if (isClosed) {
        current.socket.terminate();
        return 0;
      }
      await onOpen(current);
      return performance.now() - openedMs;
    } catch (error) {
      if (!isClosed && !signal.aborted) onFailure(error);
      return 0;
    } finally {
      current = undefined;
      attempt = undefined;
    }
  };

  const run = async (): Promise<void> => {
    for (let failures = 0; !isClosed; ) {
      const lastedMs = await connectOnce();
      // One that ends at once has failed as well.
      failures = isNudged || lastedMs > limits.peerReconnectDelayMsMax ? 0 : failures + 1;
      if (!isClosed && !isNudged) await pause.wait(delayMs(failures));
    }
  };

  const ended = run();
  return {
    nudge() {
      if (current) return;
      isNudged = true;
      pause.end();
      if (attempt && performance.now() - attempt.startedMs > attemptMsMin) attempt.abort.abort();
    },
    close(code, reason) {
      isClosed = true;
      attempt?.abort.abort();
      current?.link.close(code, reason);
      pause.end();
      return ended;
    },
  };
}

/** Doubles with every failure up to the longest delay; half of it is left to chance, so that nodes do not meet in step. */
function delayMs(failures: number): number {
  const { peerReconnectDelayMsMin: min, peerReconnectDelayMsMax: max } = limits;
  const delay = Math.min(max, min * 2 ** Math.max(0, Math.min(failures, 20) - 1));
  return delay * (1 - Math.random() / 2);
}

/** Waiting that can be cut short. */
function createPause(): { wait(durationMs: number): Promise<void>; end(): void } {
  let end = (): void => {};
  return {
    wait: (durationMs) =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, durationMs);
        end = () => {
          clearTimeout(timer);
          resolve();
        };
      }),
    end: () => end(),
  };
}
