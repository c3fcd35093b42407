import { GradswarmError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Checksum } from './checksum.ts';
import { type Frame, frameKinds } from './frame.ts';
import { beginPayload, type IncomingPayload, type PayloadBudget } from './payload-in.ts';
import { errorOf } from './status.ts';

export interface RawReply {
  readonly message: Uint8Array;
  readonly payload: Uint8Array;
}

interface Incoming {
  readonly message: Uint8Array;
  readonly payload: IncomingPayload;
  readonly last: boolean;
}

/** One reason for all: an abort without a reason makes an exception with a stack trace, for every call. */
const isOver = 'the call is over';

export interface ClientCallDeps {
  readonly payloadBytesMax: number;
  readonly budget: PayloadBudget;
  readonly checksum: Checksum;
}

/** The answering side of one call: joins its frames into replies and queues them until they are read. */
export class ClientCall {
  /** Aborted when the call is over, so that a payload still being sent stops. */
  readonly over = new AbortController();
  /** Whether the peer has sent its last frame: no CANCEL is needed then. */
  endedByPeer = false;
  private readonly deps: ClientCallDeps;
  private readonly queue: RawReply[] = [];
  private queuedBytes = 0;
  private incoming: Incoming | undefined;
  private ended = false;
  private error: GradswarmError | undefined;
  private wake: (() => void) | undefined;

  constructor(deps: ClientCallDeps) {
    this.deps = deps;
  }

  /** Takes a frame of this call; what is wrong with it fails the call. */
  receive(frame: Frame): void {
    if (this.ended) return;
    try {
      this.accept(frame);
    } catch (error) {
      this.fail(error instanceof GradswarmError ? error : new GradswarmError('internal', String(error)));
    }
  }

  /** Queued replies are dropped: an error is told at once. */
  fail(error: GradswarmError): void {
    if (this.ended) return;
    this.error = error;
    this.end();
  }

  /** Ends the call from the reader's side. */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.incoming?.payload.discard();
    this.incoming = undefined;
    this.over.abort(isOver);
    this.notify();
  }

  /** The next reply, or `undefined` after the last. @throws GradswarmError */
  async next(): Promise<RawReply | undefined> {
    for (;;) {
      if (this.error) throw this.error;
      const reply = this.queue.shift();
      if (reply) {
        this.queuedBytes -= reply.payload.length;
        return reply;
      }
      if (this.ended) return undefined;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  private accept({ envelope, payload }: Frame): void {
    switch (envelope.kind) {
      case frameKinds.RESPONSE:
      case frameKinds.ITEM: {
        if (this.incoming) throw malformed('an answer begins inside another');
        const { payloadBytesMax, budget, checksum } = this.deps;
        const incoming = beginPayload(envelope, payload, payloadBytesMax, budget, checksum);
        const last = envelope.kind === frameKinds.RESPONSE;
        this.incoming = { message: envelope.message, payload: incoming, last };
        this.deliver();
        return;
      }
      case frameKinds.CHUNK:
        if (!this.incoming) throw malformed('a chunk without a beginning');
        this.incoming.payload.add(envelope.payloadOffset, payload);
        this.deliver();
        return;
      case frameKinds.END:
        this.endedByPeer = true;
        if (this.incoming) throw malformed('the stream ends inside a payload');
        this.end();
        return;
      case frameKinds.ERROR:
        this.endedByPeer = true;
        this.fail(errorOf(envelope.status));
        return;
      default:
        throw malformed(`kind ${envelope.kind} does not answer a call`);
    }
  }

  private deliver(): void {
    const { incoming } = this;
    if (!incoming?.payload.complete) return;
    const reply = { message: incoming.message, payload: incoming.payload.take() };
    incoming.payload.discard();
    this.incoming = undefined;
    this.queue.push(reply);
    this.queuedBytes += reply.payload.length;
    const full = this.queue.length > limits.streamQueueItemsMax || this.queuedBytes > limits.payloadBytesMax;
    if (full) throw new GradswarmError('tooLarge', 'the answers come faster than they are read');
    if (incoming.last) {
      this.endedByPeer = true;
      this.end();
    }
    this.notify();
  }

  private notify(): void {
    this.wake?.();
    this.wake = undefined;
  }
}

function malformed(detail: string): GradswarmError {
  return new GradswarmError('malformedFrame', `malformed answer: ${detail}`);
}
