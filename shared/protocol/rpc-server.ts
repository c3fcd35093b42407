import type { DescService } from '@bufbuild/protobuf';
import type { GradswarmError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { type Checksum, crc32 } from './checksum.ts';
import type { Link, LinkClosed } from './link.ts';
import { createPayloadBudget, type PayloadBudget } from './payload-in.ts';
import { createRoutes, type ServiceHandlers } from './rpc-handlers.ts';
import { ServerConnection } from './server-connection.ts';
import type { Timers } from './timers.ts';

export interface RpcServerOptions<C> {
  readonly checksum?: Checksum;
  readonly timers: Timers;
  /** Memory for half received payloads of all connections. */
  readonly budget?: PayloadBudget;
  /** Runs before anything else of a call. @throws GradswarmError to refuse it. */
  readonly admit?: (connection: C, method: string) => void;
  /** Told of every exception that is not a `GradswarmError`; the caller learns only `internal`. */
  readonly onDefect?: (error: unknown, method: string, connection: C) => void;
  /** Told once of every connection when it has ended. */
  readonly onClosed?: (connection: C) => void;
}

/** One peer that is being served. */
export interface ServedConnection {
  /** Closes with the code's close code, so that the peer learns why. */
  close(error: GradswarmError): void;
  readonly closed: Promise<LinkClosed>;
}

export interface RpcServer<C> {
  /** The link belongs to the server from now on. */
  serve(link: Link, connection: C): ServedConnection;
}

/**
 * Serves one service over any number of links. Frames that no correct client sends end the connection; everything
 * else that is wrong with a call is told as its ERROR.
 */
export function createRpcServer<S extends DescService, C>(
  service: S,
  handlers: ServiceHandlers<S, C>,
  options: RpcServerOptions<C>,
): RpcServer<C> {
  const shared = {
    serviceName: service.name,
    routes: createRoutes<S, C>(service, handlers),
    checksum: options.checksum ?? crc32,
    timers: options.timers,
    budget: options.budget ?? createPayloadBudget(limits.pendingPayloadBytesMax),
    admit: options.admit ?? (() => {}),
    onDefect: options.onDefect ?? (() => {}),
    onClosed: options.onClosed ?? (() => {}),
  };
  return { serve: (link, connection) => new ServerConnection(link, connection, shared) };
}
