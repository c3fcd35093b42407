import { limits } from '../../../shared/base/limits.ts';
import type { RpcClient } from '../../../shared/protocol/rpc-client.ts';
import { type RingEvent, workerService } from '../../../shared/protocol/services.ts';
import type { RingIdentity } from '../../../shared/sync/ring/ring-message.ts';

const calls = workerService.method;
const timeoutMs = limits.workerTimeoutMs;

/** The ring of a job, as every call quotes it. */
export interface QuotedRing extends RingIdentity {
  readonly jobId: string;
}

export interface RingReport {
  readonly sumHash: string;
  /** A code of the error table, instead of the hash. */
  readonly failure: string;
  readonly bytesPerSecond: number;
  readonly refused: number;
}

/** What concerns rings, of the coordinator. Every method throws the refusal as a GradswarmError. */
export interface RingCalls {
  watch(signal: AbortSignal): AsyncIterable<{ readonly message: RingEvent; readonly payload: Uint8Array }>;
  relay(ring: QuotedRing, to: string, payload: Uint8Array, signal: AbortSignal): Promise<void>;
  signal(ring: QuotedRing, to: string, text: string): Promise<void>;
  report(ring: QuotedRing, report: RingReport): Promise<void>;
  upload(ring: QuotedRing, sumHash: string, payload: Uint8Array, deadlineMs: number): Promise<void>;
}

export function createRingCalls(client: RpcClient): RingCalls {
  return {
    watch: (signal) =>
      client.stream(calls.watchRing, {}, { payloadBytesMax: limits.ringRelayBatchBytesMax, signal }),
    async relay(ring, to, payload, signal) {
      await client.unary(calls.relayRing, { ring, to }, { payload, signal });
    },
    async signal(ring, to, text) {
      await client.unary(calls.signalRing, { ring, to, text }, { timeoutMs });
    },
    async report(ring, report) {
      await client.unary(calls.reportRing, { ring, ...report }, { timeoutMs });
    },
    async upload(ring, sumHash, payload, deadlineMs) {
      const options = { payload, timeoutMs: deadlineMs + timeoutMs };
      await client.unary(calls.uploadRing, { ring, sumHash }, options);
    },
  };
}
