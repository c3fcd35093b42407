import { WebSocket } from 'ws';
import { decodeReply, encodeRequest, type Reply, type Request } from './protocol.ts';

/** A client's connection to one node. Requests are answered in any order. */
export class NodeConnection {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  #number = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (frame: Buffer) => {
      const { number, reply } = decodeReply(frame);
      this.#settle(number, reply);
    });
    socket.on('close', () => {
      for (const number of [...this.#waiting.keys()]) this.#settle(number, connectionLost);
    });
  }

  /** @throws Error when nobody answers. */
  static open(port: number, timeoutMs: number): Promise<NodeConnection> {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}`, {
        handshakeTimeout: timeoutMs,
        perMessageDeflate: false,
      });
      socket.on('error', reject);
      socket.on('open', () => resolve(new NodeConnection(socket)));
    });
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  /** `unknown` when the connection ends before the answer. */
  request(request: Request): Promise<Reply> {
    if (!this.isOpen) return Promise.resolve(connectionLost);
    const number = this.#number++;
    return new Promise((resolve) => {
      this.#waiting.set(number, resolve);
      this.#socket.send(encodeRequest(number, request));
    });
  }

  /** As `request`; `unknown` as well when there is no answer in time, which may still come and is dropped then. */
  requestWithin(request: Request, timeoutMs: number): Promise<Reply> {
    if (!this.isOpen) return Promise.resolve(connectionLost);
    const number = this.#number;
    const reply = this.request(request);
    const timer = setTimeout(
      () => this.#settle(number, { kind: 'unknown', reason: 'no answer in time' }),
      timeoutMs,
    );
    return reply.finally(() => clearTimeout(timer));
  }

  close(): void {
    this.#socket.terminate();
  }

  #settle(number: number, reply: Reply): void {
    const resolve = this.#waiting.get(number);
    this.#waiting.delete(number);
    resolve?.(reply);
  }
}

const connectionLost: Reply = { kind: 'unknown', reason: 'the connection was lost' };
