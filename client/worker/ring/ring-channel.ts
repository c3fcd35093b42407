import type { GradswarmError } from '../../../shared/base/errors.ts';
import type { IceServer } from '../../../shared/protocol/ice-server.ts';

/**
 * A way to the successor, or from the predecessor: whole messages of at most `limits.ringMessageBytesMax` bytes, each
 * delivered once and in order while the channel is open. What is lost or damaged all the same ends the ring epoch, no more.
 */
export interface RingChannel {
  /** Takes one message. Does nothing once the channel is closed. */
  send(bytes: Uint8Array): void;
  /**
   * Bytes that `send` took and that have not left: senders pause above `limits.ringRelayBytesMax`. What is still counted
   * when the channel has ended has not arrived; a channel that cannot tell counts nothing then.
   */
  readonly bufferedBytes: number;
  close(): void;
  /** Messages that came before this was set are delivered when it is. */
  onMessage: ((bytes: Uint8Array) => void) | undefined;
  /**
   * The channel cannot carry anything any more; not called after `close`. `unreachable`: there never was a way to the
   * successor; `unavailable`: it ended; anything else: what the predecessor sent was refused.
   */
  onClose: ((error: GradswarmError) => void) | undefined;
}

/** One place in a ring, as the channels need it. */
export interface RingPlace {
  /** Worker ids. In a ring of two both neighbours are the same worker. */
  readonly successor: string;
  readonly predecessor: string;
  /** STUN and TURN servers that the coordinator names. */
  readonly iceServers: readonly IceServer[];
}

export interface RingNeighbours {
  /** Only sent on. */
  readonly toSuccessor: RingChannel;
  /** Only received from. */
  readonly fromPredecessor: RingChannel;
}

/** One kind of channels. A member opens those to both neighbours for every ring epoch, and closes them after it. */
export interface RingTransport {
  /** Named in `RegisterRequest.ring_channels`, while it is allowed. */
  readonly kind: RingChannelKind;
  /** Whether there is consent now; what is open when it is withdrawn closes. */
  readonly isAllowed: boolean;
  /**
   * Resolves when the channels take messages, though they may still be opening. Whatever ends them later is told by
   * `onClose`; the signal closes them at once.
   */
  open(place: RingPlace, signalling: RingSignalling, signal: AbortSignal): Promise<RingNeighbours>;
}

export type RingChannelKind = 'relay' | 'webrtc';

/** How members tell one another of their channels, through the coordinator; bound to one ring epoch. */
export interface RingSignalling {
  /** `text` of at most `limits.ringSignalBytesMax` characters for another member of the ring. */
  send(to: string, text: string): Promise<void>;
  /** Signals that came before this was set are delivered when it is. */
  onSignal: ((from: string, text: string) => void) | undefined;
}
