import { WebSocket } from 'ws';
import { limits } from '../../shared/base/limits.ts';
import type { Link } from '../../shared/protocol/link.ts';

/** An accepted WebSocket as a `Link`. A peer that ignores the closing handshake is cut off. */
export class WebSocketLink implements Link {
  onMessage: ((bytes: Uint8Array) => void) | undefined;
  onClose: ((code: number, reason: string) => void) | undefined;
  private readonly socket: WebSocket;
  private closeTimer: NodeJS.Timeout | undefined;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.binaryType = 'nodebuffer';
    socket.on('message', (data, isBinary) => {
      if (isBinary && data instanceof Buffer) this.onMessage?.(data);
      else this.close(4400, 'malformedFrame: a frame is binary');
    });
    // `ws` closes by itself after an error, with the code that fits.
    socket.on('error', () => {});
    socket.on('close', (code, reason) => {
      clearTimeout(this.closeTimer);
      this.onClose?.(code, reason.toString());
    });
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
}
