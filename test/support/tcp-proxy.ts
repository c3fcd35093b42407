import { connect, createServer, type Server, type Socket } from 'node:net';
import { createRandom, type Random } from '../../shared/base/random.ts';
import { noPipeFaults, type PipeFaults, TcpPipe } from './tcp-pipe.ts';

/** `toTarget` is the way of what the connecting side sends. */
export type Direction = 'toTarget' | 'toSource';

export interface TcpProxyOptions {
  readonly target: { readonly host: string; readonly port: number };
  /** Of the jitter. */
  readonly seed: number;
}

interface Connection {
  readonly source: Socket;
  /** Absent while nothing reaches the target. */
  target?: Socket;
  pipes?: Readonly<Record<Direction, TcpPipe>>;
}

/**
 * A TCP address on this machine that stands for another one, and the network between the two. Faults hold for the
 * connections that there are and for those to come.
 */
export class TcpProxy {
  readonly #target: TcpProxyOptions['target'];
  readonly #random: Random;
  readonly #server: Server;
  readonly #connections = new Set<Connection>();
  readonly #faults: Record<Direction, PipeFaults> = { toTarget: noPipeFaults, toSource: noPipeFaults };
  #refuses = false;
  #accepted = 0;

  private constructor({ target, seed }: TcpProxyOptions) {
    this.#target = target;
    this.#random = createRandom(seed);
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (source) => this.#accept(source));
  }

  static async open(options: TcpProxyOptions): Promise<TcpProxy> {
    const proxy = new TcpProxy(options);
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once('error', reject);
      proxy.#server.listen(0, '127.0.0.1', resolve);
    });
    return proxy;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy is closed');
    return address.port;
  }

  /** On their way in either direction. */
  get heldBytes(): number {
    const pipes = [...this.#connections].flatMap((connection) => Object.values(connection.pipes ?? {}));
    return pipes.reduce((sum, pipe) => sum + pipe.heldBytes, 0);
  }

  /** By the connections that there are. */
  deliveredBytes(direction: Direction): number {
    return [...this.#connections].reduce(
      (sum, { pipes }) => sum + (pipes?.[direction].deliveredBytes ?? 0),
      0,
    );
  }

  /** Connections of which at least one side is open. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Of one direction, or of both. */
  setFaults(faults: Partial<PipeFaults>, direction?: Direction): void {
    for (const each of direction === undefined ? (['toTarget', 'toSource'] as const) : [direction]) {
      this.#faults[each] = { ...this.#faults[each], ...faults };
    }
    for (const connection of this.#connections) this.#apply(connection);
  }

  /** New connections are reset at once; those that there are stay. */
  refuse(refuses: boolean): void {
    this.#refuses = refuses;
  }

  /** Both sides of every connection are told at once that it is gone. */
  reset(): void {
    for (const connection of this.#connections) {
      this.#forget(connection);
      connection.source.resetAndDestroy();
      connection.target?.resetAndDestroy();
    }
  }

  /** One side of every connection is told that it is gone; the other goes on sending, and nobody reads it. */
  halfOpen(told: 'source' | 'target'): void {
    for (const connection of this.#connections) {
      const { source, target, pipes } = connection;
      if (target === undefined || pipes === undefined) continue;
      for (const pipe of Object.values(pipes)) pipe.close();
      (told === 'source' ? source : target).resetAndDestroy();
    }
  }

  /** No faults any more. Connections that were reset stay reset. */
  heal(): void {
    this.refuse(false);
    this.setFaults(noPipeFaults);
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.reset();
    await closed;
  }

  #accept(source: Socket): void {
    source.on('error', () => {});
    if (this.#refuses) {
      source.resetAndDestroy();
      return;
    }
    const connection: Connection = { source };
    this.#connections.add(connection);
    source.once('close', () => this.#close(connection));
    this.#apply(connection);
  }

  /** A connection reaches the target only when bytes would. */
  #apply(connection: Connection): void {
    const { pipes } = connection;
    if (pipes !== undefined) {
      pipes.toTarget.faults = this.#faults.toTarget;
      pipes.toSource.faults = this.#faults.toSource;
    } else if (!this.#faults.toTarget.isStalled) this.#connect(connection);
  }

  #connect(connection: Connection): void {
    const { source } = connection;
    const target = connect({ ...this.#target, allowHalfOpen: true, noDelay: true });
    target.on('error', () => {});
    target.once('close', () => this.#close(connection));
    connection.target = target;
    this.#accepted += 1;
    const random = this.#random.fork(`connection ${this.#accepted}`);
    connection.pipes = {
      toTarget: new TcpPipe(source, target, this.#faults.toTarget, random.fork('toTarget')),
      toSource: new TcpPipe(target, source, this.#faults.toSource, random.fork('toSource')),
    };
  }

  /** When both sides have gone, nothing of it is left. */
  #close(connection: Connection): void {
    const { source, target } = connection;
    if (source.destroyed && (target === undefined || target.destroyed)) this.#forget(connection);
  }

  #forget(connection: Connection): void {
    this.#connections.delete(connection);
    for (const pipe of Object.values(connection.pipes ?? {})) pipe.close();
  }
}
