import { GradswarmError } from '../../../../shared/base/errors.ts';
import { limits } from '../../../../shared/base/limits.ts';
import type { Timers } from '../../../../shared/protocol/timers.ts';
import { messageOf } from '../../session/refusal.ts';
import { createInbox } from '../inbox.ts';
import type { RingChannel } from '../ring-channel.ts';
import { Negotiation, type NegotiationPorts } from './negotiation.ts';
import type { PeerSignal } from './peer-signal.ts';

export interface PeerLinkOptions extends NegotiationPorts {
  readonly timers: Timers;
}

type Phase = 'opening' | 'open' | 'closing' | 'over';

/**
 * One data channel to or from a neighbour, on a connection of its own. It takes messages at once; they leave when it is
 * open. That no way to the successor was found in time ends it with `unreachable`; who waits for its predecessor waits
 * for as long as the ring epoch does.
 */
export class PeerLink implements RingChannel {
  private readonly inbox = createInbox<Uint8Array>();
  private readonly ends = createInbox<GradswarmError>();
  private readonly early: Uint8Array[] = [];
  private readonly role: PeerLinkOptions['role'];
  private readonly timers: Timers;
  private readonly negotiation: Negotiation;
  private data: RTCDataChannel | undefined;
  private phase: Phase = 'opening';
  private stopTimer = (): void => {};

  constructor({ timers, ...options }: PeerLinkOptions) {
    this.role = options.role;
    this.timers = timers;
    this.negotiation = new Negotiation({
      ...options,
      onChannel: (channel) => this.use(channel),
      onLost: (reason) => this.lose(reason),
      onRefused: (error) => this.refuse(error),
    });
    if (this.role === 'offer')
      this.after(limits.ringConnectTimeoutMs, () => this.lose('it is not open in time'));
    this.negotiation.start();
  }

  /** A signal of the neighbour that concerns this connection. */
  take(signal: PeerSignal): void {
    this.negotiation.take(signal);
  }

  /** The neighbour sent what cannot be used: ends the channel, and tells its user why. */
  refuse(error: GradswarmError): void {
    this.fail(this.role === 'offer' ? unreachable(error.message) : error);
  }

  send(bytes: Uint8Array): void {
    if (this.phase === 'open') this.sendNow(bytes);
    else if (this.phase === 'opening') this.early.push(bytes);
  }

  get bufferedBytes(): number {
    if (this.phase === 'over') return 0;
    return this.early.reduce((sum, { length }) => sum + length, this.data?.bufferedAmount ?? 0);
  }

  close(): void {
    if (this.phase !== 'open' || this.role === 'answer') {
      this.abort();
      return;
    }
    // What is still on its way would be lost with the connection: the receiver closes it when it has everything.
    this.phase = 'closing';
    this.after(limits.ringLingerMs, () => this.abort());
  }

  /** Closes everything at once. */
  abort(): void {
    this.phase = 'over';
    this.early.length = 0;
    this.stopTimer();
    this.negotiation.close();
  }

  get onMessage(): RingChannel['onMessage'] {
    return this.inbox.listener;
  }

  set onMessage(listener: RingChannel['onMessage']) {
    this.inbox.listener = listener;
  }

  get onClose(): RingChannel['onClose'] {
    return this.ends.listener;
  }

  set onClose(listener: RingChannel['onClose']) {
    this.ends.listener = listener;
  }

  private use(channel: RTCDataChannel): void {
    // One channel is all that the connection is for.
    if (this.data !== undefined) {
      channel.close();
      return;
    }
    this.data = channel;
    channel.binaryType = 'arraybuffer';
    channel.onmessage = ({ data }: MessageEvent<unknown>) => this.receive(data);
    channel.onclose = () => this.lose('it was closed');
    channel.onopen = () => this.opened();
    if (channel.readyState === 'open') this.opened();
  }

  private opened(): void {
    if (this.phase !== 'opening') return;
    if ((this.negotiation.messageBytesMax ?? limits.ringMessageBytesMax) < limits.ringMessageBytesMax) {
      this.lose('it takes no messages of the size of a segment');
      return;
    }
    this.phase = 'open';
    this.stopTimer();
    for (const bytes of this.early.splice(0)) this.sendNow(bytes);
  }

  private sendNow(bytes: Uint8Array): void {
    try {
      // Messages of a ring lie in no shared memory.
      this.data?.send(bytes as Uint8Array<ArrayBuffer>);
    } catch (error) {
      this.lose(messageOf(error));
    }
  }

  private receive(message: unknown): void {
    // A successor has nothing to say.
    if (this.role === 'offer' || this.phase === 'over') return;
    if (!(message instanceof ArrayBuffer)) {
      this.refuse(new GradswarmError('malformedFrame', 'A neighbour sent text where sums were due.'));
    } else if (message.byteLength > limits.ringMessageBytesMax) {
      this.refuse(new GradswarmError('tooLarge', 'A message of the ring exceeds its limit.'));
    } else {
      this.inbox.put(new Uint8Array(message));
    }
  }

  /** Whether the neighbour ever could be reached makes the difference. */
  private lose(reason: string): void {
    if (this.phase === 'closing') this.abort();
    else if (this.phase === 'open')
      this.fail(new GradswarmError('unavailable', `The channel to a neighbour ended: ${reason}`));
    else if (this.role === 'offer') this.fail(unreachable(reason));
  }

  private fail(error: GradswarmError): void {
    if (this.phase === 'over') return;
    const isWatched = this.phase !== 'closing';
    this.abort();
    if (isWatched) this.ends.put(error);
  }

  private after(delayMs: number, task: () => void): void {
    this.stopTimer = this.timers.after(delayMs, task);
  }
}

function unreachable(reason: string): GradswarmError {
  return new GradswarmError('unreachable', `No channel to the successor: ${reason}`);
}
