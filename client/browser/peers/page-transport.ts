import { systemTimers } from '../../../shared/system/system-timers.ts';
import { createPeerTransport } from '../../worker/ring/peers/peer-transport.ts';
import { servePeers } from './serve-peers.ts';

/** Serves the other end of `port` with this page's peer connections, until the returned function is called. */
export function servePagePeers(port: MessagePort): () => void {
  const transport = createPeerTransport(
    (configuration) => new RTCPeerConnection(configuration),
    systemTimers,
  );
  return servePeers(port, transport, systemTimers);
}
