import {
  create,
  type DescMessage,
  type DescMethod,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { GradswarmError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { type Checksum, crc32 } from './checksum.ts';
import { ClientCall, type RawReply } from './client-call.ts';
import { decodeFrame, encodeFrame, type Frame, frameKinds } from './frame.ts';
import type { Link, LinkClosed } from './link.ts';
import { createPayloadBudget } from './payload-in.ts';
import { sendMessage } from './payload-out.ts';
import { closeCodeOf, closeReasonOf } from './status.ts';
import type { Timers } from './timers.ts';

const callIdMax = 0xffffffff;

export interface CallOptions {
  /** Bulk bytes that travel beside the request. They must not change until the call has ended. */
  readonly payload?: Uint8Array;
  readonly signal?: AbortSignal;
  /** Largest payload to accept in an answer; `limits.payloadBytesMax` when absent. */
  readonly payloadBytesMax?: number;
  /** Ends the call with `unavailable`; counted for a stream until its end. */
  readonly timeoutMs?: number;
}

/** A decoded answer; `payload` has a buffer of its own. */
export interface Answer<O extends DescMessage> {
  readonly message: MessageShape<O>;
  readonly payload: Uint8Array;
}

/** Calls the methods of `workerService.method` and `adminService.method` over one link. */
export interface RpcClient {
  /** @throws GradswarmError with the peer's code, or `connectionLost`, `cancelled`, `unavailable`, `malformedFrame`. */
  unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options?: CallOptions,
  ): Promise<Answer<O>>;
  /** The call begins with the iteration; leaving the loop cancels it. Throws as `unary` does. */
  stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageInitShape<I>,
    options?: CallOptions,
  ): AsyncIterable<Answer<O>>;
  close(reason?: string): void;
  /** Resolves, never rejects, when the link has closed. */
  readonly closed: Promise<LinkClosed>;
}

export interface RpcClientOptions {
  readonly checksum?: Checksum;
  readonly timers: Timers;
}

class LinkRpcClient implements RpcClient {
  readonly closed: Promise<LinkClosed>;
  private readonly link: Link;
  private readonly checksum: Checksum;
  private readonly timers: Timers;
  private readonly calls = new Map<number, ClientCall>();
  private readonly budget = createPayloadBudget(limits.pendingPayloadBytesPerConnectionMax);
  private lastId = 0;
  private lost: GradswarmError | undefined;

  constructor(link: Link, options: RpcClientOptions) {
    this.link = link;
    this.checksum = options.checksum ?? crc32;
    this.timers = options.timers;
    link.onMessage = (bytes) => this.receive(bytes);
    this.closed = new Promise((resolve) => {
      link.onClose = (code, reason) => {
        this.lose(new GradswarmError('connectionLost', `the connection ended: ${reason || `code ${code}`}`));
        resolve({ code, reason });
      };
    });
  }

  async unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options: CallOptions = {},
  ): Promise<Answer<O>> {
    for await (const answer of this.call(method, request, options)) return answer;
    throw new GradswarmError('malformedFrame', `${method.name} ended without an answer`);
  }

  stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageInitShape<I>,
    options: CallOptions = {},
  ): AsyncIterable<Answer<O>> {
    return this.call(method, request, options);
  }

  close(reason = ''): void {
    this.link.close(1000, reason);
  }

  private async *call<I extends DescMessage, O extends DescMessage>(
    method: Pick<DescMethod, 'name' | 'parent'> & { readonly input: I; readonly output: O },
    request: MessageInitShape<I>,
    options: CallOptions,
  ): AsyncGenerator<Answer<O>, void, undefined> {
    if (this.lost) throw this.lost;
    if (options.signal?.aborted) throw cancelled();
    const message = toBinary(method.input, create(method.input, request));
    const call = new ClientCall({
      payloadBytesMax: options.payloadBytesMax ?? limits.payloadBytesMax,
      budget: this.budget,
      checksum: this.checksum,
    });
    const id = this.nextId();
    const onAbort = (): void => call.fail(cancelled());
    options.signal?.addEventListener('abort', onAbort);
    const stopTimer = this.startTimer(call, method.name, options.timeoutMs);
    this.calls.set(id, call);
    call.over.signal.addEventListener('abort', () => {
      this.calls.delete(id);
      if (!call.endedByPeer) this.link.send(encodeFrame({ call: id, kind: frameKinds.CANCEL }));
    });
    try {
      const name = `${method.parent.name}/${method.name}`;
      this.send(id, call, name, message, options.payload ?? new Uint8Array(0));
      for (let reply = await call.next(); reply; reply = await call.next()) {
        yield decodeAnswer(method.output, reply);
      }
    } finally {
      stopTimer();
      options.signal?.removeEventListener('abort', onAbort);
      call.end();
    }
  }

  private send(id: number, call: ClientCall, method: string, message: Uint8Array, payload: Uint8Array): void {
    const envelope = { call: id, kind: frameKinds.REQUEST, method, message };
    const sum = payload.length > 0 ? this.checksum(payload) : 0;
    sendMessage(this.link, envelope, payload, sum, this.timers, call.over.signal).catch((error: unknown) => {
      call.fail(error instanceof GradswarmError ? error : new GradswarmError('internal', String(error)));
    });
  }

  /** A thread that computed past the deadline has its answers waiting unread: it gets a moment to read them. */
  private startTimer(call: ClientCall, name: string, timeoutMs: number | undefined): () => void {
    if (timeoutMs === undefined) return () => {};
    const fail = (): void =>
      call.fail(new GradswarmError('unavailable', `${name} was not answered within ${timeoutMs} ms`));
    const deadlineMs = this.timers.nowMs() + timeoutMs;
    let stop = this.timers.after(timeoutMs, () => {
      const lateMs = this.timers.nowMs() - deadlineMs;
      if (lateMs < limits.blockedThreadMs) fail();
      else stop = this.timers.after(limits.blockedThreadMs, fail);
    });
    return () => stop();
  }

  private nextId(): number {
    do {
      this.lastId = (this.lastId % callIdMax) + 1;
    } while (this.calls.has(this.lastId));
    return this.lastId;
  }

  private receive(bytes: Uint8Array): void {
    let frame: Frame;
    try {
      frame = decodeFrame(bytes);
    } catch (error) {
      const failure = error instanceof GradswarmError ? error : new GradswarmError('internal', String(error));
      this.lose(failure);
      this.link.close(closeCodeOf(failure.code), closeReasonOf(failure));
      return;
    }
    // Frames of a call that has ended here may still be on their way.
    this.calls.get(frame.envelope.call)?.receive(frame);
  }

  private lose(error: GradswarmError): void {
    this.lost ??= error;
    for (const call of this.calls.values()) {
      call.endedByPeer = true;
      call.fail(this.lost);
    }
  }
}

/** The link belongs to the client from now on. */
export function createRpcClient(link: Link, options: RpcClientOptions): RpcClient {
  return new LinkRpcClient(link, options);
}

function decodeAnswer<O extends DescMessage>(schema: O, reply: RawReply): Answer<O> {
  try {
    return { message: fromBinary(schema, reply.message), payload: reply.payload };
  } catch {
    throw new GradswarmError('malformedFrame', `an answer is not a ${schema.typeName}`);
  }
}

function cancelled(): GradswarmError {
  return new GradswarmError('cancelled', 'the caller gave up');
}
