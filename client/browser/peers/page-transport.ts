import { systemTimers } from '../../../shared/system/system-timers.ts';
import type { OpenPeerConnection } from '../../worker/ring/peers/peer-connection.ts';
import { createPeerTransport } from '../../worker/ring/peers/peer-transport.ts';
import { servePeers } from './serve-peers.ts';

const openConnection: OpenPeerConnection = (iceServers) =>
  new RTCPeerConnection({ iceServers: iceServers.map((server) => ({ ...server, urls: [...server.urls] })) });

/** Serves the other end of `port` with this page's peer connections, until the returned function is called. */
export function servePagePeers(port: MessagePort): () => void {
  return servePeers(port, createPeerTransport(openConnection, systemTimers), systemTimers);
}
