import { GradswarmError } from '../../../shared/base/errors.ts';
import { createInbox } from '../../worker/ring/inbox.ts';
import type {
  RingChannel,
  RingNeighbours,
  RingSignalling,
  RingTransport,
} from '../../worker/ring/ring-channel.ts';
import { messageOf } from '../../worker/session/refusal.ts';
import type { OpenRing, RingSide, ToPage, ToWorker } from './peer-messages.ts';

/** The worker's side: a transport whose connections are the page's, while the page lends it a port. */
export interface BridgedTransport extends RingTransport {
  /** Undefined where connections are not allowed, or not any more: the page closes them. */
  lend(port: MessagePort | undefined): void;
}

export function createBridgedTransport(): BridgedTransport {
  let page: MessagePort | undefined;
  return {
    kind: 'webrtc',
    get isAllowed() {
      return page !== undefined;
    },
    lend(port) {
      page?.close();
      page = port;
    },
    async open(place, signalling, signal) {
      if (page === undefined)
        throw new GradswarmError('unreachable', 'Connections to others are not allowed.');
      const { port1, port2 } = new MessageChannel();
      const opening: OpenRing = { place, port: port2 };
      page.postMessage(opening, [port2]);
      return openBridge(port1, signalling, signal);
    },
  };
}

function openBridge(port: MessagePort, signalling: RingSignalling, signal: AbortSignal): RingNeighbours {
  const tell = (message: ToPage, transfer: Transferable[] = []): void => port.postMessage(message, transfer);
  const sending = createSide('toSuccessor', tell);
  const receiving = createSide('fromPredecessor', tell);
  const passSignal = (id: number, to: string, text: string): void => {
    signalling.send(to, text).then(
      () => tell({ kind: 'signalled', id }),
      (error: unknown) => tell({ kind: 'signalled', id, error: messageOf(error) }),
    );
  };
  signalling.onSignal = (from, text) => tell({ kind: 'signal', from, text });

  port.onmessage = ({ data }: MessageEvent<ToWorker>) => {
    switch (data.kind) {
      case 'signal':
        return passSignal(data.id, data.to, data.text);
      case 'message':
        tell({ kind: 'taken', bytes: data.bytes.byteLength });
        return receiving.messages.put(new Uint8Array(data.bytes));
      case 'left':
        sending.buffered -= data.bytes;
        return undefined;
      case 'end':
        (data.side === 'toSuccessor' ? sending : receiving).end(new GradswarmError(data.code, data.message));
        return undefined;
    }
  };
  const abort = (): void => {
    signalling.onSignal = undefined;
    tell({ kind: 'abort' });
    port.close();
  };
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  return { toSuccessor: sending.channel, fromPredecessor: receiving.channel };
}

interface Side {
  readonly channel: RingChannel;
  readonly messages: ReturnType<typeof createInbox<Uint8Array>>;
  readonly ends: ReturnType<typeof createInbox<GradswarmError>>;
  buffered: number;
  end(error: GradswarmError): void;
}

function createSide(side: RingSide, tell: (message: ToPage, transfer?: Transferable[]) => void): Side {
  const messages = createInbox<Uint8Array>();
  const ends = createInbox<GradswarmError>();
  let isOver = false;
  const state: Side = {
    messages,
    ends,
    buffered: 0,
    end(error) {
      if (isOver) return;
      isOver = true;
      state.buffered = 0;
      ends.put(error);
    },
    channel: {
      send(bytes) {
        if (isOver) return;
        state.buffered += bytes.length;
        // Whoever made the message has no more use for it; a part of a larger buffer is copied.
        const whole = bytes.length === bytes.buffer.byteLength ? bytes.buffer : bytes.slice().buffer;
        tell({ kind: 'send', bytes: whole as ArrayBuffer }, [whole as ArrayBuffer]);
      },
      get bufferedBytes() {
        return isOver ? 0 : state.buffered;
      },
      close() {
        if (!isOver) tell({ kind: 'close', side });
        isOver = true;
      },
      get onMessage() {
        return messages.listener;
      },
      set onMessage(listener) {
        messages.listener = listener;
      },
      get onClose() {
        return ends.listener;
      },
      set onClose(listener) {
        ends.listener = listener;
      },
    },
  };
  return state;
}
