import { GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';
import type { Timers } from '../../../shared/protocol/timers.ts';
import { createInbox } from '../../worker/ring/inbox.ts';
import type { RingNeighbours, RingTransport } from '../../worker/ring/ring-channel.ts';
import { type ReceivedSignal, signallingOver } from '../../worker/ring/signalling-over.ts';
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
  const signals = createInbox<ReceivedSignal>();
  const sending = sendSignals(tell);
  const signalling = signallingOver(signals, sending.send);
  const neighbours = await transport.open(place, signalling, AbortSignal.any([closing, aborted.signal]));
  const { toSuccessor } = neighbours;
  const incoming = passIncoming(neighbours, tell);
  const outgoing = passOutgoing(neighbours, tell, timers);
  const withdraw = (): void => {
    const error = new GradswarmError('unavailable', 'Connections to others are not allowed any more.');
    tellEnd(tell, 'toSuccessor', error);
    tellEnd(tell, 'fromPredecessor', error);
  };
  closing.addEventListener('abort', withdraw, { once: true, signal: aborted.signal });

  port.onmessage = ({ data }: MessageEvent<ToPage>) => {
    switch (data.kind) {
      case 'signal':
        return signals.put(data);
      case 'signalled':
        return sending.settle(data.id, data.error);
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

/** A signal has been sent when the worker says so, which has the connection to the coordinator. */
function sendSignals(tell: Tell) {
  const underWay = new Map<number, (error: string | undefined) => void>();
  let lastId = 0;
  return {
    send(to: string, text: string): Promise<void> {
      lastId += 1;
      const id = lastId;
      return new Promise((resolve, reject) => {
        underWay.set(id, (error) => {
          if (error === undefined) resolve();
          else reject(new GradswarmError('unavailable', error));
        });
        tell({ kind: 'signal', id, to, text });
      });
    },
    settle(id: number, error: string | undefined): void {
      underWay.get(id)?.(error);
      underWay.delete(id);
    },
  };
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
