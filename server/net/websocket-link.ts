import { type RawData, WebSocket } from 'ws';
import { limits } from '../../shared/base/limits.ts';
import type { Link } from '../../shared/protocol/link.ts';

/** So that all sockets share their listeners: there are ten thousand, and a closure for each would cost more than it says. */
const links = new WeakMap<WebSocket, WebSocketLink>();

function onMessage(this: WebSocket, data: RawData, isBinary: boolean): void {
  links.get(this)?.receive(data, isBinary);
}

/** `ws` closes by itself after an error, with the code that fits. */
function onError(): void {}

function onClose(this: WebSocket, code: number, reason: Buffer): void {
  links.get(this)?.closed(code, reason.toString());
}

/** An accepted WebSocket as a `Link`. A peer that ignores the closing handshake is cut off. */
export class WebSocketLink implements Link {
  onMessage: ((bytes: Uint8Array) => void) | undefined;
  onClose: ((code: number, reason: string) => void) | undefined;
  private readonly socket: WebSocket;
  private closeTimer: NodeJS.Timeout | undefined;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.binaryType = 'nodebuffer';
    links.set(socket, this);
    socket.on('message', onMessage);
    socket.on('error', onError);
    socket.on('close', onClose);
  }

  get bufferedBytes(): number {
    return this.socket.bufferedAmount;
  }

  send(bytes: Uint8Array): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(bytes);
  }

  close(code = 1000, reason = ''): void {
    if (this.socket.readyState !== WebSocket.OPEN) return;
    this.socket.close(code, reason);
    this.closeTimer = setTimeout(() => this.socket.terminate(), limits.closeTimeoutMs);
  }

  /** For the socket's listeners. */
  receive(data: RawData, isBinary: boolean): void {
    if (isBinary && data instanceof Buffer) this.onMessage?.(data);
    else this.close(4400, 'malformedFrame: a frame is binary');
  }

  /** For the socket's listeners. */
  closed(code: number, reason: string): void {
    clearTimeout(this.closeTimer);
    this.onClose?.(code, reason);
  }
}
