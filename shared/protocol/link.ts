/**
 * One connection that carries whole messages in order: a WebSocket in production, a pair in memory in tests.
 * `onMessage` and `onClose` are set by whoever owns the link; nothing is delivered after `onClose`.
 */
export interface Link {
  /** Queues one message. Does nothing once the link is closed. */
  send(bytes: Uint8Array): void;
  /** Bytes that `send` took and the peer's side has not taken yet; senders pause above `limits.bufferedBytesMax`. */
  readonly bufferedBytes: number;
  /** Closes after what was sent before. `code` is 1000 or in 3000 to 4999; `reason` at most 123 bytes of UTF-8. */
  close(code?: number, reason?: string): void;
  onMessage: ((bytes: Uint8Array) => void) | undefined;
  onClose: ((code: number, reason: string) => void) | undefined;
}

export interface LinkClosed {
  readonly code: number;
  readonly reason: string;
}
