import { GradswarmError } from '../../../../shared/base/errors.ts';
import type { Timers } from '../../../../shared/protocol/timers.ts';
import type { RingTransport } from '../ring-channel.ts';
import type { OpenPeerConnection } from './peer-connection.ts';
import { PeerLink } from './peer-link.ts';
import { formatSignal, parseSignal } from './peer-signal.ts';

/** Data channels between the members themselves: two connections, one to the successor and one from the predecessor. */
export function createPeerTransport(openConnection: OpenPeerConnection, timers: Timers): RingTransport {
  return {
    kind: 'webrtc',
    isAllowed: true,
    async open({ successor, predecessor, iceServers }, signalling, signal) {
      const configuration = {
        iceServers: iceServers.map((server) => ({ ...server, urls: [...server.urls] })),
      };
      const linkTo = (neighbour: string, role: 'offer' | 'answer'): PeerLink =>
        new PeerLink({
          role,
          openConnection: () => openConnection(configuration),
          sendSignal: (text) => signalling.send(neighbour, formatSignal(text)),
          timers,
        });
      const [outgoing, incoming] = [linkTo(successor, 'offer'), linkTo(predecessor, 'answer')];

      signalling.onSignal = (from, text) => {
        // Others have no say in these connections.
        if (from !== successor && from !== predecessor) return;
        try {
          const parsed = parseSignal(text);
          const side = parsed.kind === 'candidate' ? parsed.of : parsed.kind;
          // What the other one offers is for our incoming connection, what it answers for our outgoing one.
          const [link, neighbour] = side === 'offer' ? [incoming, predecessor] : [outgoing, successor];
          if (from === neighbour) link.take(parsed);
        } catch (error) {
          if (!(error instanceof GradswarmError)) throw error;
          (from === predecessor ? incoming : outgoing).refuse(error);
        }
      };
      const abort = (): void => {
        signalling.onSignal = undefined;
        outgoing.abort();
        incoming.abort();
      };
      signal.addEventListener('abort', abort, { once: true });
      if (signal.aborted) abort();
      return { toSuccessor: outgoing, fromPredecessor: incoming };
    },
  };
}
