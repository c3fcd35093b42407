import type { Timers } from '../../shared/protocol/timers.ts';
import { systemTimers } from '../../shared/system/system-timers.ts';
import type { OpenPeerConnection, PeerConnection } from '../worker/ring/peers/peer-connection.ts';
import { createPeerTransport } from '../worker/ring/peers/peer-transport.ts';
import type { RingTransport } from '../worker/ring/ring-channel.ts';

/**
 * The ways to other workers that a person has allowed. Where there is none after all, `onMissing` is told once, and rings
 * go through the coordinator.
 */
export async function openRingTransports(
  isAllowed: boolean,
  onMissing: (message: string) => void,
  load = () => loadPeerTransport(systemTimers),
): Promise<readonly RingTransport[]> {
  if (!isAllowed) return [];
  const transport = await load();
  if (transport !== undefined) return [transport];
  onMissing(
    'Connections to other workers need the package node-datachannel, which does not load here: install it with ' +
      '"npm install --ignore-scripts=false node-datachannel". Until then this worker reaches them through the coordinator.',
  );
  return [];
}

/**
 * Data channels to other workers, through the optional package `node-datachannel`. Undefined where it is not installed,
 * or its native library does not load.
 */
export async function loadPeerTransport(timers: Timers): Promise<RingTransport | undefined> {
  try {
    const { RTCPeerConnection } = await import('node-datachannel/polyfill');
    // Its type has an event of its own, with all that the W3C's has.
    const open: OpenPeerConnection = (configuration) =>
      new RTCPeerConnection(configuration) as unknown as PeerConnection;
    return createPeerTransport(open, timers);
  } catch {
    return undefined;
  }
}
