import { GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';
import type { Timers } from '../../../shared/protocol/timers.ts';
import { createInbox } from '../../worker/ring/inbox.ts';
import type { RingNeighbours, RingSignalling, RingTransport } from '../../worker/ring/ring-channel.ts';
import type { OpenRing, RingSide, ToPage, ToWorker } from './peer-messages.ts';

/**
 * The page's side: peer connections for the worker at the other end of `port`. It passes bytes on and looks at none.
 * Returns what closes all of them, and the port.
 */
export function servePeers(port: MessagePort, transport: RingTransport, timers: Timers): () => void {
  const closing = new AbortController();
  port.onmessage = ({ data }: MessageEvent<OpenRing>) => {
    void serveRing(data, transport, timers, closing.signal);
  };
  return () => {
    closing.abort();
    port.close();
  };
}

async function serveRing(
  { place, port }: OpenRing,
  transport: RingTransport,
  timers: Timers,
  closing: AbortSignal,
): Promise<void> {
  const aborted = new AbortController();
  const tell = (message: ToWorker, transfer: Transferable[] = []): void =>
    port.postMessage(message, transfer);
  const { signalling, receive } = signallingOver(tell);
  const neighbours = await transport.open(place, signalling, AbortSignal.any([closing, aborted.signal]));
  const { toSuccessor } = neighbours;
  const incoming = passIncoming(neighbours, tell);
  const outgoing = passOutgoing(neighbours, tell, timers);
  const withdraw = (): void => {
    for (const side of ['toSuccessor', 'fromPredecessor'] as const) {
      tell({
        kind: 'end',
        side,
        code: 'unavailable',
        message: 'Connections to others are not allowed any more.',
      });
    }
  };
  closing.addEventListener('abort', withdraw, { once: true });
  aborted.signal.addEventListener('abort', () => closing.removeEventListener('abort', withdraw), {
    once: true,
  });

  port.onmessage = ({ data }: MessageEvent<ToPage>) => {
    switch (data.kind) {
      case 'signal':
        return receive(data.from, data.text);
      case 'send':
        toSuccessor.send(new Uint8Array(data.bytes));
        return outgoing.sent(data.bytes.byteLength);
      case 'taken':
        return incoming.taken(data.bytes);
      case 'close':
        return neighbours[data.side].close();
      case 'abort':
        aborted.abort();
        return port.close();
    }
  };
}

type Tell = (message: ToWorker, transfer?: Transferable[]) => void;

function signallingOver(tell: Tell) {
  const inbox = createInbox<{ readonly from: string; readonly text: string }>();
  let onSignal: RingSignalling['onSignal'];
  const signalling: RingSignalling = {
    send: async (to, text) => tell({ kind: 'signal', to, text }),
    get onSignal() {
      return onSignal;
    },
    set onSignal(listener) {
      onSignal = listener;
      inbox.listener = listener && (({ from, text }) => listener(from, text));
    },
  };
  return { signalling, receive: (from: string, text: string) => inbox.put({ from, text }) };
}

/** What the worker, which may be inside of a unit, has not taken yet is bounded. */
function passIncoming({ fromPredecessor }: RingNeighbours, tell: Tell) {
  let unread = 0;
  const end = (error: GradswarmError): void => tellEnd(tell, 'fromPredecessor', error);
  fromPredecessor.onClose = end;
  fromPredecessor.onMessage = ({ buffer, length }) => {
    unread += length;
    if (unread > limits.ringUnreadBytesMax) {
      fromPredecessor.close();
      end(new GradswarmError('unavailable', 'A neighbour sent more than this device can take in.'));
      return;
    }
    tell({ kind: 'message', bytes: buffer as ArrayBuffer }, [buffer as ArrayBuffer]);
  };
  return {
    taken(bytes: number): void {
      unread -= bytes;
    },
  };
}

/** Tells the worker what has left, so that it pauses as it would over a channel of its own. */
function passOutgoing({ toSuccessor }: RingNeighbours, tell: Tell, timers: Timers) {
  let waiting = 0;
  let isLooking = false;
  toSuccessor.onClose = (error) => tellEnd(tell, 'toSuccessor', error);
  const look = (): void => {
    isLooking = false;
    const { bufferedBytes } = toSuccessor;
    if (waiting > bufferedBytes) tell({ kind: 'left', bytes: waiting - bufferedBytes });
    waiting = Math.min(waiting, bufferedBytes);
    if (waiting > 0) lookLater();
  };
  const lookLater = (): void => {
    if (isLooking) return;
    isLooking = true;
    timers.after(limits.bufferedPollMs, look);
  };
  return {
    sent(bytes: number): void {
      waiting += bytes;
      lookLater();
    },
  };
}

function tellEnd(tell: Tell, side: RingSide, { code, message }: GradswarmError): void {
  tell({ kind: 'end', side, code, message });
}
