import { GradswarmError } from '../../../../shared/base/errors.ts';
import { limits } from '../../../../shared/base/limits.ts';
import { messageOf } from '../../session/refusal.ts';
import type { PeerConnection } from './peer-connection.ts';
import type { PeerLinkOptions } from './peer-link.ts';
import type { PeerSignal } from './peer-signal.ts';

type Candidate = Extract<PeerSignal, { kind: 'candidate' }>;

export interface NegotiationOptions extends Omit<PeerLinkOptions, 'timers'> {
  /** Of the one who offers at once, of the one who answers when it comes. */
  readonly onChannel: (channel: RTCDataChannel) => void;
  /** There is no way, or not any more. */
  readonly onLost: (reason: string) => void;
  /** The neighbour sent what cannot be used. */
  readonly onRefused: (error: GradswarmError) => void;
}

/** Offer, answer and candidates of one connection; the one who answers has none before the offer comes. */
export interface Negotiation {
  start(): void;
  take(signal: PeerSignal): void;
  /** Undefined where the connection cannot tell. */
  messageBytesMax(): number | undefined;
  close(): void;
}

export function createNegotiation(options: NegotiationOptions): Negotiation {
  const { role, openConnection, sendSignal, onChannel, onLost, onRefused } = options;
  let connection: PeerConnection | undefined;
  let isClosed = false;
  let isDescribed = false;
  /** Candidates may come before the description that they belong to. */
  const early: Candidate[] = [];
  let candidates = 0;
  let sending: Promise<void> = Promise.resolve();

  /** One after the other, so that a connection with many candidates does not use up the calls of its worker. */
  const tell = (signal: PeerSignal): void => {
    sending = sending.then(() => (isClosed ? undefined : sendSignal(signal)));
    sending.catch((error: unknown) => onLost(messageOf(error)));
  };

  const open = (): PeerConnection => {
    const opened = openConnection();
    connection = opened;
    opened.onicecandidate = ({ candidate }) => {
      if (candidate === null || candidate.candidate === '') return;
      // libdatachannel writes it as a line of a session description.
      const text = candidate.candidate.replace(/^a=/, '').trim();
      tell({ kind: 'candidate', of: role, candidate: text, sdpMid: candidate.sdpMid ?? '0' });
    };
    opened.onconnectionstatechange = () => {
      const { connectionState } = opened;
      if (connectionState === 'failed' || connectionState === 'closed') onLost(`it has ${connectionState}`);
    };
    return opened;
  };

  const offer = async (): Promise<void> => {
    const opened = open();
    onChannel(opened.createDataChannel(channelLabel, { ordered: true }));
    const description = await opened.createOffer();
    tell({ kind: 'offer', sdp: description.sdp ?? '' });
    await opened.setLocalDescription(description);
  };

  const answer = async (sdp: string): Promise<void> => {
    const opened = open();
    opened.ondatachannel = ({ channel }) => onChannel(channel);
    await describe(opened, { type: 'offer', sdp });
    const description = await opened.createAnswer();
    tell({ kind: 'answer', sdp: description.sdp ?? '' });
    await opened.setLocalDescription(description);
  };

  const describe = async (opened: PeerConnection, description: RTCSessionDescriptionInit): Promise<void> => {
    try {
      await opened.setRemoteDescription(description);
    } catch (error) {
      throw new GradswarmError(
        'badRequest',
        `A neighbour's description was refused: ${messageOf(error)}`,
        'text',
      );
    }
    isDescribed = true;
    for (const candidate of early.splice(0)) add(candidate);
  };

  /** One that cannot be used, such as a name that only its own machine knows, is no fault: there may be others. */
  const add = ({ candidate, sdpMid }: Candidate): void => {
    connection?.addIceCandidate({ candidate, sdpMid }).catch(() => {});
  };

  const settle = (work: Promise<void>): void => {
    work.catch((error: unknown) => {
      if (isClosed) return;
      if (error instanceof GradswarmError) onRefused(error);
      else onLost(messageOf(error));
    });
  };

  return {
    start() {
      if (role === 'offer') settle(offer());
    },
    take(signal) {
      if (isClosed) return;
      if (signal.kind === 'candidate') {
        candidates += 1;
        if (candidates > limits.ringCandidatesMax) onRefused(tooMany());
        else if (isDescribed) add(signal);
        else early.push(signal);
      } else if (signal.kind === 'offer' && role === 'answer' && connection === undefined) {
        settle(answer(signal.sdp));
      } else if (signal.kind === 'answer' && role === 'offer' && connection !== undefined && !isDescribed) {
        settle(describe(connection, { type: 'answer', sdp: signal.sdp }));
      } else {
        onRefused(new GradswarmError('badRequest', `An ${signal.kind} of a neighbour was not due.`, 'text'));
      }
    },
    messageBytesMax: () => connection?.sctp?.maxMessageSize ?? undefined,
    close() {
      if (isClosed) return;
      isClosed = true;
      early.length = 0;
      connection?.close();
    },
  };
}

const channelLabel = 'gradswarm-ring';

function tooMany(): GradswarmError {
  return new GradswarmError(
    'tooLarge',
    `A neighbour has more than ${limits.ringCandidatesMax} candidates.`,
    'text',
  );
}
