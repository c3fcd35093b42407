import { GradswarmError } from '../../../../shared/base/errors.ts';
import { limits } from '../../../../shared/base/limits.ts';
import { messageOf } from '../../session/refusal.ts';
import type { PeerConnection } from './peer-connection.ts';
import type { PeerSignal } from './peer-signal.ts';

type Candidate = Extract<PeerSignal, { kind: 'candidate' }>;

export interface NegotiationPorts {
  /** Who sends in the ring offers; who receives answers. */
  readonly role: 'offer' | 'answer';
  readonly openConnection: () => PeerConnection;
  /** To the neighbour. */
  readonly sendSignal: (signal: PeerSignal) => Promise<void>;
}

export interface NegotiationOptions extends NegotiationPorts {
  /** Of the one who offers at once, of the one who answers when it comes. */
  readonly onChannel: (channel: RTCDataChannel) => void;
  /** There is no way, or not any more. */
  readonly onLost: (reason: string) => void;
  /** The neighbour sent what cannot be used. */
  readonly onRefused: (error: GradswarmError) => void;
}

const channelLabel = 'gradswarm-ring';

/** Offer, answer and candidates of one connection; the one who answers has none before the offer comes. */
export class Negotiation {
  private readonly options: NegotiationOptions;
  private connection: PeerConnection | undefined;
  private isClosed = false;
  /** A second answer is not due even while the first is being read. */
  private isDescribed = false;
  private canAdd = false;
  /** Candidates may come before the description that they belong to. */
  private readonly early: Candidate[] = [];
  private readonly own: Candidate[] = [];
  private candidates = 0;
  private named = 0;
  private sending: Promise<void> = Promise.resolve();

  constructor(options: NegotiationOptions) {
    this.options = options;
  }

  start(): void {
    if (this.options.role === 'offer') this.settle(this.offer());
  }

  take(signal: PeerSignal): void {
    const { role, onRefused } = this.options;
    if (this.isClosed) return;
    const { connection } = this;
    if (signal.kind === 'candidate') {
      this.takeCandidate(signal);
    } else if (signal.kind === 'offer' && role === 'answer' && connection === undefined) {
      this.settle(this.answer(signal.sdp));
    } else if (signal.kind === 'answer' && role === 'offer' && connection && !this.isDescribed) {
      this.settle(this.describe(connection, { type: 'answer', sdp: signal.sdp }));
    } else {
      onRefused(new GradswarmError('badRequest', `An ${signal.kind} of a neighbour was not due.`, 'text'));
    }
  }

  /** Undefined where the connection cannot tell. */
  get messageBytesMax(): number | undefined {
    return this.connection?.sctp?.maxMessageSize ?? undefined;
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.early.length = 0;
    this.connection?.close();
  }

  private async offer(): Promise<void> {
    const connection = this.open();
    this.options.onChannel(connection.createDataChannel(channelLabel, { ordered: true }));
    const description = await connection.createOffer();
    this.tell({ kind: 'offer', sdp: begunHere(description.sdp ?? '') });
    await connection.setLocalDescription(description);
  }

  private async answer(sdp: string): Promise<void> {
    const connection = this.open();
    connection.ondatachannel = ({ channel }) => this.options.onChannel(channel);
    await this.describe(connection, { type: 'offer', sdp });
    const description = await connection.createAnswer();
    this.tell({ kind: 'answer', sdp: description.sdp ?? '' });
    await connection.setLocalDescription(description);
  }

  private open(): PeerConnection {
    const { role, openConnection, onLost } = this.options;
    const connection = openConnection();
    this.connection = connection;
    connection.onicecandidate = ({ candidate }) => {
      if (candidate === null || candidate.candidate === '') return;
      // libdatachannel writes it as a line of a session description.
      const text = candidate.candidate.replace(/^a=/, '').trim();
      this.name({ kind: 'candidate', of: role, candidate: text, sdpMid: candidate.sdpMid ?? '0' });
    };
    connection.onconnectionstatechange = () => {
      const { connectionState } = connection;
      if (connectionState === 'failed' || connectionState === 'closed') onLost(`it has ${connectionState}`);
    };
    return connection;
  }

  /**
   * Who offers names its candidates when it has read the answer: nobody can call it before, and a handshake that began
   * then would fail, because libdatachannel would not know the other's certificate yet. It calls first, so no time is lost.
   */
  private name(candidate: Candidate): void {
    // The other one would refuse more.
    if (this.named >= limits.ringCandidatesMax) return;
    this.named += 1;
    if (this.canAdd || this.options.role === 'answer') this.tell(candidate);
    else this.own.push(candidate);
  }

  /** One after the other, so that a connection with many candidates does not use up the calls of its worker. */
  private tell(signal: PeerSignal): void {
    const { sendSignal, onLost } = this.options;
    this.sending = this.sending
      .then(() => (this.isClosed ? undefined : sendSignal(signal)))
      .catch((error: unknown) => {
        // A candidate that comes late is missed by nobody: there is a way already.
        if (this.connection?.connectionState !== 'connected') onLost(messageOf(error));
      });
  }

  private async describe(connection: PeerConnection, description: RTCSessionDescriptionInit): Promise<void> {
    this.isDescribed = true;
    try {
      await connection.setRemoteDescription(description);
    } catch (error) {
      const reason = messageOf(error);
      throw new GradswarmError('badRequest', `A neighbour's description was refused: ${reason}`, 'text');
    }
    this.canAdd = true;
    for (const candidate of this.early.splice(0)) this.add(candidate);
    for (const candidate of this.own.splice(0)) this.tell(candidate);
  }

  private takeCandidate(candidate: Candidate): void {
    this.candidates += 1;
    if (this.candidates > limits.ringCandidatesMax) {
      const rule = `A neighbour has ${limits.ringCandidatesMax} candidates at most.`;
      this.options.onRefused(new GradswarmError('tooLarge', rule, 'text'));
    } else if (this.canAdd) this.add(candidate);
    else this.early.push(candidate);
  }

  /** One that cannot be used, such as a name that only its own machine knows, is no fault: there may be others. */
  private add({ candidate, sdpMid }: Candidate): void {
    this.connection?.addIceCandidate({ candidate, sdpMid }).catch(() => {});
  }

  private settle(work: Promise<void>): void {
    work.catch((error: unknown) => {
      if (this.isClosed) return;
      if (error instanceof GradswarmError) this.options.onRefused(error);
      else this.options.onLost(messageOf(error));
    });
  }
}

/**
 * The offer with the handshake begun by the one who offers, who also decides which way is taken: the other end of it is
 * ready then. Where the other one begins, the first packet comes too early and is missed for a second.
 */
function begunHere(sdp: string): string {
  return sdp.replace('a=setup:actpass', 'a=setup:active');
}
