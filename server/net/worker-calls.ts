import type { JobId } from '../../shared/base/ids.ts';
import type { EncodedReply } from '../../shared/protocol/rpc-handlers.ts';
import type { CallRef, Event } from '../core/events.ts';
import type { RegisteredWorker, WorkerConnection } from './worker-connection.ts';
import type { CallAnswer, WorkerGatewayDeps } from './worker-ports.ts';

export interface WorkerHandlerDeps extends WorkerGatewayDeps {
  createId(): string;
  watch(jobId: JobId, signal: AbortSignal): AsyncIterable<EncodedReply>;
  snapshotReply(jobId: JobId): Promise<EncodedReply>;
  registered(connection: WorkerConnection, worker: RegisteredWorker): void;
}

type AskedEvent = Extract<Event, { call: CallRef; workerId: unknown }>;
type Unasked<E extends AskedEvent> = E extends AskedEvent ? Omit<E, 'call'> : never;
export type Ask = (event: Unasked<AskedEvent>, signal: AbortSignal) => Promise<CallAnswer>;

/** Posts an event that waits for its answer; a caller that goes away is told to the core. */
export function createAsk({ call, post }: Pick<WorkerGatewayDeps, 'call' | 'post'>): Ask {
  return async (event, signal) => {
    const opened = call((ref) => ({ ...event, call: ref }));
    const onAbort = (): void => post({ kind: 'callAbandoned', call: opened.call });
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await opened.answer;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  };
}
