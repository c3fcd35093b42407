import type { JobId } from '../../shared/base/ids.ts';
import type { EncodedReply } from '../../shared/protocol/rpc-handlers.ts';
import type { CallRef, WorkerEvent } from '../core/events.ts';
import type { RingMail } from './ring-mail.ts';
import type { RegisteredWorker, WorkerConnection } from './worker-connection.ts';
import type { CallAnswer, WorkerCore, WorkerGatewayDeps } from './worker-ports.ts';

export interface WorkerHandlerDeps extends WorkerGatewayDeps {
  createId(): string;
  watch(jobId: JobId, signal: AbortSignal): AsyncIterable<EncodedReply>;
  snapshotReply(jobId: JobId): Promise<EncodedReply>;
  readonly ringMail: RingMail;
  /** Of the leader, whichever coordinator that is. */
  core(): WorkerCore;
  registered(connection: WorkerConnection, worker: RegisteredWorker): void;
}

type AskedEvent = Extract<WorkerEvent, { call: CallRef; workerId: unknown }>;
type Unasked<E extends AskedEvent> = E extends AskedEvent ? Omit<E, 'call'> : never;
export type Ask = (event: Unasked<AskedEvent>, signal: AbortSignal) => Promise<CallAnswer>;

/** Posts an event that waits for its answer; a caller that goes away is told to the core. */
export function createAsk({ core }: Pick<WorkerHandlerDeps, 'core'>): Ask {
  return async (event, signal) => {
    const { call, post } = core();
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
