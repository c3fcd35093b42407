import { randomBytes } from 'node:crypto';
import { GradswarmError } from '../../../shared/base/errors.ts';
import type { NodeId } from '../../raft/cluster-configuration.ts';
import type { PeerHandlers, PeerPins, Peers } from '../../runtime/peers.ts';
import type { BulkClient } from './bulk-client.ts';
import { createBulkServer } from './bulk-server.ts';
import { checkSecret } from './credentials.ts';
import { guardHandlers } from './guard-handlers.ts';
import { createInboundPeers, type InboundPeers } from './inbound-peers.ts';
import { createNotices, type Notices, type PeerNotice } from './notices.ts';
import { listenForPeers, type PeerListener } from './peer-listener.ts';
import type { PeerTls } from './peer-tls.ts';
import { createRoster } from './roster.ts';

export interface PeersOptions {
  readonly nodeId: NodeId;
  /** 32 hexadecimal digits. */
  readonly clusterId: string;
  /** 16 hexadecimal digits, of the data folder. */
  readonly incarnation: string;
  /** Where workers and pages reach this coordinator. */
  readonly clientUrl: string;
  /** Where other coordinators reach it; port 0 takes a free one. */
  readonly listen: { readonly host: string; readonly port: number };
  /** Common to all coordinators; may be empty under TLS. */
  readonly secret: string;
  readonly tls?: PeerTls;
  readonly pins: PeerPins;
  /**
   * It does not know the members yet, and waits for one that knows it: while `setMembers` names nobody, every
   * coordinator of the cluster may speak to it, and is answered.
   */
  readonly waitsToBeAdded?: boolean;
  /** A connection without a sign of life is given up after two of them. */
  readonly electionTimeoutMs: number;
  /** What operators should read, told once for each cause. */
  readonly report: (notice: PeerNotice) => void;
  /** Told of every exception that nobody foresaw. */
  readonly onDefect: (error: unknown, what: string) => void;
}

export interface ListeningPeers extends Peers {
  readonly port: number;
}

/**
 * Listens for the other coordinators, and speaks with those that `setMembers` names. Its first call must name the
 * members that the log on the disk names: pins of all others are forgotten.
 * @throws GradswarmError `portInUse`, or `badRequest` for a weak secret or an address that cannot be used.
 */
export async function createPeers(options: PeersOptions, handlers: PeerHandlers): Promise<ListeningPeers> {
  const { nodeId, clusterId, incarnation, clientUrl, secret, tls, pins, onDefect } = options;
  checkSecret(secret, tls !== undefined);
  const own = { clusterId, nodeId, incarnation, clientUrl, run: randomBytes(8).toString('hex') };
  const notices = createNotices(options.report);
  const silenceMs = 2 * options.electionTimeoutMs;
  let isClosed = false;
  const guarded = guardHandlers(handlers, () => isClosed, onDefect);
  const { onMessage, onPeerChanged: onChanged } = guarded;
  const dialing = { own, secret, ...(tls ? { tls } : {}) };
  const roster = createRoster(nodeId, { dialing, pins, silenceMs, notices, onMessage, onChanged });
  const isWaiting = (): boolean => roster.isEmpty && options.waitsToBeAdded === true;
  const bulkOptions = { ownId: nodeId, handlers: guarded, onDefect };
  const inbound = createInboundPeers({
    ...{ own, secret, pins, silenceMs, notices, onDefect, onMessage },
    bulkServer: createBulkServer(bulkOptions),
    isMember: (id) => roster.has(id) || isWaiting(),
    onMet: (identity) => roster.get(identity.nodeId)?.meet(identity),
  });
  const listener = await listen(options, inbound, notices);

  const blobsOf = (id: NodeId): BulkClient => {
    const member = roster.get(id);
    if (member) return member.blobs;
    throw new GradswarmError('unavailable', `node ${id} is not a member of the cluster`);
  };

  return {
    port: listener.port,
    send(message) {
      if (roster.get(message.to)?.send(message)) return;
      // Chunks do not belong into the way of heartbeats.
      if (message.kind !== 'snapshotChunk') inbound.send(message);
    },
    setMembers(addresses) {
      if (isClosed) return;
      roster.follow(addresses);
      if (isWaiting()) return;
      const ids = new Set(Object.keys(addresses));
      inbound.retain(ids);
      forgetOthers(pins, ids, notices);
    },
    describe: (id) => roster.get(id)?.view(),
    storeBlob: async (to, hash, bytes, epoch, signal) => blobsOf(to).storeBlob(hash, bytes, epoch, signal),
    fetchBlob: async (from, hash, signal) => blobsOf(from).fetchBlob(hash, signal),
    openRelay: (to, signal) => blobsOf(to).openRelay(signal),
    relay: async (to, batch, signal) => blobsOf(to).relay(batch, signal),
    collectSum: async (from, request, signal) => blobsOf(from).collectSum(request, signal),
    async close() {
      isClosed = true;
      await Promise.all([roster.close(), listener.close()]);
    },
  };
}

function listen(
  { listen: address, tls }: PeersOptions,
  inbound: InboundPeers,
  notices: Notices,
): Promise<PeerListener> {
  return listenForPeers({
    ...address,
    ...(tls ? { tls } : {}),
    onSocket: inbound.accept,
    onTlsFailure(remoteAddress, reason) {
      const need = 'both sides need certificates of one authority';
      const message = `${remoteAddress} did not get through TLS (${reason}); ${need}`;
      notices.tell(`at ${remoteAddress}`, { level: 'warn', message });
    },
  });
}

/** A pin that stays keeps out a node that may come in, which is safe, and is told. */
function forgetOthers(pins: PeerPins, ids: ReadonlySet<NodeId>, notices: Notices): void {
  try {
    pins.retain(ids);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const message = `it could not be stored that nodes were removed from the cluster: ${reason}`;
    notices.tell('pins', { level: 'error', message });
  }
}
