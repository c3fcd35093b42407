import { fromBinary, type Message } from '@bufbuild/protobuf';
import { GradswarmError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Envelope } from '../gen/gradswarm/v1/envelope_pb.ts';
import type { Checksum } from './checksum.ts';
import { decodeFrame, encodeFrame, type Frame, frameKinds } from './frame.ts';
import type { Link, LinkClosed } from './link.ts';
import { beginPayload, createPayloadBudget, type PayloadBudget } from './payload-in.ts';
import { sendReplies } from './replies.ts';
import type { Route } from './rpc-handlers.ts';
import { ServerCall } from './server-call.ts';
import { closeCodeOf, closeReasonOf, statusOf } from './status.ts';
import type { Timers } from './timers.ts';
import { createTokenBucket } from './token-bucket.ts';

export interface ConnectionDeps<C> {
  readonly serviceName: string;
  readonly routes: ReadonlyMap<string, Route<C>>;
  readonly checksum: Checksum;
  readonly timers: Timers;
  readonly budget: PayloadBudget;
  admit(connection: C, method: string): void;
  onDefect(error: unknown, method: string, connection: C): void;
  onClosed(connection: C): void;
}

/**
 * The calls of one link. A call lives from its REQUEST to its last frame, its failure, or its CANCEL. There are ten
 * thousand connections, and most of them only wait: what they may never need is made when they do.
 */
export class ServerConnection<C> {
  private readonly link: Link;
  private readonly connection: C;
  private readonly deps: ConnectionDeps<C>;
  private readonly calls = new Map<number, ServerCall<C>>();
  private budget: PayloadBudget | undefined;
  private ending: Promise<LinkClosed> | undefined;
  private tellEnding: ((closed: LinkClosed) => void) | undefined;
  private ended: LinkClosed | undefined;
  private readonly rate = createTokenBucket(
    limits.callsPerConnectionPerSecondMax,
    limits.callsPerConnectionPerSecondMax,
  );

  constructor(link: Link, connection: C, deps: ConnectionDeps<C>) {
    this.link = link;
    this.connection = connection;
    this.deps = deps;
    link.onMessage = (bytes) => this.receive(bytes);
    link.onClose = (code, reason) => this.linkClosed({ code, reason });
  }

  get closed(): Promise<LinkClosed> {
    this.ending ??= new Promise((resolve) => {
      if (this.ended !== undefined) resolve(this.ended);
      else this.tellEnding = resolve;
    });
    return this.ending;
  }

  close(error: GradswarmError): void {
    this.link.onMessage = undefined;
    this.link.close(closeCodeOf(error.code), closeReasonOf(error));
  }

  private linkClosed(closed: LinkClosed): void {
    for (const call of this.calls.values()) this.end(call);
    this.ended = closed;
    this.tellEnding?.(closed);
    this.deps.onClosed(this.connection);
  }

  private receive(bytes: Uint8Array): void {
    try {
      this.dispatch(decodeFrame(bytes));
    } catch (error) {
      if (!(error instanceof GradswarmError)) this.deps.onDefect(error, '', this.connection);
      this.close(
        error instanceof GradswarmError ? error : new GradswarmError('internal', 'unexpected error'),
      );
    }
  }

  /** @throws GradswarmError for what ends the whole connection. */
  private dispatch(frame: Frame): void {
    const { call: id, kind } = frame.envelope;
    const call = this.calls.get(id);
    switch (kind) {
      case frameKinds.REQUEST:
        if (call) throw new GradswarmError('malformedFrame', `call ${id} is already under way`);
        this.begin(frame);
        return;
      case frameKinds.CHUNK:
        // Chunks of a call that was refused may still be on their way.
        if (call) this.continue(call, frame);
        else this.checkRate();
        return;
      case frameKinds.CANCEL:
        if (call) this.end(call);
        else this.checkRate();
        return;
      default:
        throw new GradswarmError('malformedFrame', `frame kind ${kind} does not come from a client`);
    }
  }

  private begin({ envelope, payload }: Frame): void {
    this.checkRate();
    const route = this.deps.routes.get(envelope.method);
    try {
      if (this.calls.size >= limits.callsPerConnectionMax) {
        const rule = `at most ${limits.callsPerConnectionMax} calls may be under way on a connection`;
        throw new GradswarmError('rateLimited', rule);
      }
      if (!route) {
        throw new GradswarmError('notFound', `no method "${envelope.method}" in ${this.deps.serviceName}`);
      }
      this.deps.admit(this.connection, envelope.method);
      const call = this.open(route, envelope, payload);
      this.calls.set(envelope.call, call);
      if (call.payload.complete) this.run(call);
    } catch (error) {
      this.fail(envelope.call, envelope.method, error);
    }
  }

  private open(route: Route<C>, envelope: Envelope, payload: Uint8Array): ServerCall<C> {
    const request = decodeRequest(route, envelope.message);
    const bytesMax = route.handler.payloadBytesMax?.(request, this.connection) ?? 0;
    const incoming = beginPayload(envelope, payload, bytesMax, this.budgetFor(envelope), this.deps.checksum);
    const { call: id, method } = envelope;
    const call = new ServerCall(id, route, request, this.connection, incoming);
    if (incoming.complete) return call;
    const late = `the payload was not complete after ${limits.incompletePayloadMs} ms`;
    call.watchPayload(
      this.deps.timers.after(limits.incompletePayloadMs, () =>
        this.fail(id, method, new GradswarmError('unavailable', late)),
      ),
    );
    return call;
  }

  private budgetFor({ payloadBytes }: Envelope): PayloadBudget {
    if (payloadBytes === 0) return this.deps.budget;
    this.budget ??= createPayloadBudget(limits.pendingPayloadBytesPerConnectionMax, this.deps.budget);
    return this.budget;
  }

  private continue(call: ServerCall<C>, { envelope, payload }: Frame): void {
    if (call.payload.complete) throw new GradswarmError('malformedFrame', 'a chunk after the payload');
    try {
      call.payload.add(envelope.payloadOffset, payload);
      if (call.payload.complete) this.run(call);
    } catch (error) {
      this.fail(call.id, call.route.method.name, error);
    }
  }

  private run(call: ServerCall<C>): void {
    call.payloadIsComplete();
    const { link, deps } = this;
    sendReplies(call, call.payload.take(), link, deps.timers, deps.checksum).then(
      () => this.end(call),
      (error: unknown) => {
        if (!call.aborted) this.fail(call.id, call.route.method.name, error);
      },
    );
  }

  private fail(id: number, method: string, error: unknown): void {
    if (!(error instanceof GradswarmError)) this.deps.onDefect(error, method, this.connection);
    const call = this.calls.get(id);
    if (call) this.end(call);
    this.link.send(encodeFrame({ call: id, kind: frameKinds.ERROR, status: statusOf(error) }));
  }

  private end(call: ServerCall<C>): void {
    call.end();
    if (this.calls.get(call.id) === call) this.calls.delete(call.id);
  }

  private checkRate(): void {
    if (this.rate.take(this.deps.timers.nowMs())) return;
    throw new GradswarmError(
      'rateLimited',
      `more than ${limits.callsPerConnectionPerSecondMax} calls a second on one connection`,
    );
  }
}

function decodeRequest<C>(route: Route<C>, message: Uint8Array): Message {
  try {
    return fromBinary(route.method.input, message);
  } catch {
    throw new GradswarmError('malformedFrame', `the message is not a ${route.method.input.typeName}`);
  }
}
