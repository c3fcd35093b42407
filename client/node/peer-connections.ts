import type { Timers } from '../../shared/protocol/timers.ts';
import type { OpenPeerConnection, PeerConnection } from '../worker/ring/peers/peer-connection.ts';
import { createPeerTransport } from '../worker/ring/peers/peer-transport.ts';
import type { RingTransport } from '../worker/ring/ring-channel.ts';

/**
 * Data channels to other workers, through the optional package `node-datachannel`. Undefined where it is not installed,
 * or its native library does not load.
 */
export async function loadPeerTransport(timers: Timers): Promise<RingTransport | undefined> {
  try {
    const { RTCPeerConnection } = await import('node-datachannel/polyfill');
    const open: OpenPeerConnection = (iceServers) =>
      new RTCPeerConnection({
        iceServers: iceServers.map((server) => ({ ...server, urls: [...server.urls] })),
        // Its type has an event of its own, with all that the W3C's has.
      }) as unknown as PeerConnection;
    return createPeerTransport(open, timers);
  } catch {
    return undefined;
  }
}
