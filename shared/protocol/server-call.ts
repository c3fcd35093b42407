import type { Message } from '@bufbuild/protobuf';
import { GradswarmError } from '../base/errors.ts';
import type { IncomingPayload } from './payload-in.ts';
import type { CallContext, Route } from './rpc-handlers.ts';

/** One reason for all: an abort without a reason makes an exception with a stack trace, for every call. */
const isOver = new GradswarmError('cancelled', 'the call is over');

/** A call from its REQUEST to its end; to its handler, the context. */
export class ServerCall<C> implements CallContext<C> {
  readonly id: number;
  readonly route: Route<C>;
  readonly request: Message;
  readonly connection: C;
  readonly payload: IncomingPayload;
  /** Whether the call has ended, for whatever reason. */
  aborted = false;
  private controller: AbortController | undefined;
  private stopTimer: (() => void) | undefined;

  constructor(id: number, route: Route<C>, request: Message, connection: C, payload: IncomingPayload) {
    this.id = id;
    this.route = route;
    this.request = request;
    this.connection = connection;
    this.payload = payload;
  }

  /** Made only for a handler that asks for it: heartbeats, which are most of all calls, do not. */
  get signal(): AbortSignal {
    this.controller ??= new AbortController();
    if (this.aborted) this.controller.abort(isOver);
    return this.controller.signal;
  }

  /** The watch over a payload that has begun, until it is complete. */
  watchPayload(stopTimer: () => void): void {
    this.stopTimer = stopTimer;
  }

  payloadIsComplete(): void {
    this.stopTimer?.();
    this.stopTimer = undefined;
  }

  end(): void {
    this.payloadIsComplete();
    this.payload.discard();
    this.aborted = true;
    this.controller?.abort(isOver);
  }
}
