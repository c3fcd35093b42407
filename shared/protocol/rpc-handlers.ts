import type {
  DescMessage,
  DescMethod,
  DescMethodServerStreaming,
  DescMethodUnary,
  DescService,
  MessageInitShape,
  MessageShape,
} from '@bufbuild/protobuf';

export interface CallContext<C> {
  /** What the server knows of the connection; made by the caller of `serve`. */
  readonly connection: C;
  /** Aborted when the caller gives up or the connection ends. */
  readonly signal: AbortSignal;
}

/** An answer that is encoded once for many receivers. */
export interface EncodedReply {
  readonly encoded: Uint8Array;
  readonly payload: Uint8Array;
  readonly checksum: number;
}

export type Reply<O extends DescMessage> =
  | { readonly message: MessageInitShape<O>; readonly payload?: Uint8Array }
  | EncodedReply;

/** The payload of a request has a buffer of its own: a handler may transfer it. */
interface HandlerBase<I extends DescMessage, C> {
  /**
   * Largest payload of this request on this connection, asked before memory is taken for it; 0 when absent. It may
   * refuse the request by throwing a `GradswarmError`.
   */
  payloadBytesMax?(request: MessageShape<I>, connection: C): number;
}

export interface UnaryHandler<I extends DescMessage, O extends DescMessage, C> extends HandlerBase<I, C> {
  answer(
    request: MessageShape<I>,
    context: CallContext<C>,
    payload: Uint8Array,
  ): Reply<O> | Promise<Reply<O>>;
}

export interface StreamHandler<I extends DescMessage, O extends DescMessage, C> extends HandlerBase<I, C> {
  answer(request: MessageShape<I>, context: CallContext<C>, payload: Uint8Array): AsyncIterable<Reply<O>>;
}

export type MethodHandler<M, C> =
  M extends DescMethodUnary<infer I, infer O>
    ? UnaryHandler<I, O, C>
    : M extends DescMethodServerStreaming<infer I, infer O>
      ? StreamHandler<I, O, C>
      : never;

/** One handler for every method of the service, by its local name: a missing one does not compile. */
export type ServiceHandlers<S extends DescService, C> = {
  readonly [K in keyof S['method']]: MethodHandler<S['method'][K], C>;
};

/** A handler as the server sees it, its types checked where the table was built. */
export type AnyHandler<C> =
  | UnaryHandler<DescMessage, DescMessage, C>
  | StreamHandler<DescMessage, DescMessage, C>;

export interface Route<C> {
  readonly method: DescMethod;
  readonly handler: AnyHandler<C>;
}

/** Routes by the name on the wire, such as `WorkerService/Lease`. */
export function createRoutes<S extends DescService, C>(
  service: S,
  handlers: ServiceHandlers<S, C>,
): ReadonlyMap<string, Route<C>> {
  const byLocalName = handlers as Readonly<Record<string, AnyHandler<C>>>;
  return new Map(
    service.methods.map((method) => [
      `${service.name}/${method.name}`,
      { method, handler: byLocalName[method.localName]! },
    ]),
  );
}
