import { randomBytes } from 'node:crypto';
import { GradswarmError } from '../../../shared/base/errors.ts';
import { parseHostPort } from '../../../shared/base/host-port.ts';
import type { PayloadBudget } from '../../../shared/protocol/payload-in.ts';
import type { NodeId } from '../../raft/cluster-configuration.ts';
import type { PeerHandlers, PeerPins, Peers } from '../../runtime/peers.ts';
import { createBulkServer } from './bulk-server.ts';
import { checkSecret } from './credentials.ts';
import type { PeerIdentity } from './handshake-messages.ts';
import { createInboundPeers } from './inbound-peers.ts';
import { createMember, type Member } from './member.ts';
import { createNotices, type PeerNotice } from './notices.ts';
import { listenForPeers } from './peer-listener.ts';
import type { PeerTls } from './peer-tls.ts';

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
  /** Memory for blobs that are on their way here. */
  readonly budget?: PayloadBudget;
}

export interface ListeningPeers extends Peers {
  readonly port: number;
}

const goingAway = 1001;

/**
 * Listens for the other coordinators, and speaks with those that `setMembers` names. Its first call must name the
 * members that the log on the disk names: pins of all others are forgotten.
 * @throws GradswarmError `portInUse`, or `badRequest` for a weak secret or an address that cannot be used.
 */
export async function createPeers(options: PeersOptions, handlers: PeerHandlers): Promise<ListeningPeers> {
  const { nodeId, clusterId, incarnation, clientUrl, listen, secret, tls, pins, onDefect } = options;
  checkSecret(secret, tls !== undefined);
  const own: PeerIdentity = {
    clusterId,
    nodeId,
    incarnation,
    clientUrl,
    run: randomBytes(8).toString('hex'),
  };
  const notices = createNotices(options.report);
  const silenceMs = 2 * options.electionTimeoutMs;
  const withTls = tls ? { tls } : {};
  const members = new Map<NodeId, Member>();
  const farewells = new Set<Promise<unknown>>();
  const isWaiting = (): boolean => members.size === 0 && options.waitsToBeAdded === true;
  let isClosed = false;

  /** Of the handlers, these have nobody to throw to. */
  const guard = <Argument>(
    handle: (argument: Argument) => void,
    what: string,
  ): ((argument: Argument) => void) => {
    return (argument) => {
      if (isClosed) return;
      try {
        handle(argument);
      } catch (error) {
        onDefect(error, what);
      }
    };
  };
  const guarded: PeerHandlers = {
    ...handlers,
    onMessage: guard(handlers.onMessage, 'a message of another coordinator'),
    onPeerChanged: guard(handlers.onPeerChanged, 'a change of another coordinator'),
  };
  const { budget } = options;
  const bulkServer = createBulkServer({
    ownId: nodeId,
    handlers: guarded,
    onDefect,
    ...(budget ? { budget } : {}),
  });
  const inbound = createInboundPeers({
    ...{ own, secret, pins, silenceMs, bulkServer, notices, onDefect },
    isMember: (id) => members.has(id) || isWaiting(),
    onMessage: guarded.onMessage,
    onMet: (identity) => members.get(identity.nodeId)?.meet(identity),
  });
  const listener = await listenForPeers({
    ...listen,
    ...withTls,
    onSocket: inbound.accept,
    onTlsFailure(remoteAddress, reason) {
      const need = 'both sides need certificates of one authority';
      const message = `${remoteAddress} did not get through TLS (${reason}); ${need}`;
      notices.tell(`at ${remoteAddress}`, { level: 'warn', message });
    },
  });

  const drop = (id: NodeId, member: Member, reason: string): void => {
    members.delete(id);
    const farewell = member.close(goingAway, reason).finally(() => farewells.delete(farewell));
    farewells.add(farewell);
  };

  const add = (id: NodeId, address: string, knownUrl: string | undefined): void => {
    if (!parseHostPort(address)) {
      const message = `node ${id} cannot be reached: its address ${JSON.stringify(address)} is not host:port`;
      notices.tell(`to ${id}`, { level: 'error', message });
      return;
    }
    const dialing = { own, secret, ...withTls };
    const { onMessage, onPeerChanged: onChanged } = guarded;
    members.set(
      id,
      createMember({
        id,
        address,
        clientUrl: knownUrl,
        dialing,
        pins,
        silenceMs,
        notices,
        onMessage,
        onChanged,
      }),
    );
  };

  const memberOf = (id: NodeId): Member => {
    const member = members.get(id);
    if (member) return member;
    throw new GradswarmError('unavailable', `node ${id} is not a member of the cluster`);
  };

  return {
    port: listener.port,
    send(message) {
      if (members.get(message.to)?.send(message)) return;
      // Chunks do not belong into the way of heartbeats.
      if (message.kind !== 'snapshotChunk') inbound.send(message);
    },
    setMembers(addresses) {
      if (isClosed) return;
      for (const [id, member] of members) {
        if (!Object.hasOwn(addresses, id)) drop(id, member, 'no member of the cluster any more');
      }
      for (const [id, address] of Object.entries(addresses)) {
        if (id === nodeId) continue;
        const known = members.get(id);
        if (known?.address === address) continue;
        const knownUrl = known?.view().clientUrl;
        if (known) drop(id, known, 'another address');
        add(id, address, knownUrl);
      }
      if (isWaiting()) return;
      const ids = new Set(Object.keys(addresses));
      inbound.retain(ids);
      forgetOthers(pins, ids, notices);
    },
    describe: (id) => members.get(id)?.view(),
    storeBlob: async (to, hash, bytes, epoch, signal) =>
      memberOf(to).blobs.storeBlob(hash, bytes, epoch, signal),
    fetchBlob: async (from, hash, signal) => memberOf(from).blobs.fetchBlob(hash, signal),
    async close() {
      isClosed = true;
      for (const [id, member] of members) drop(id, member, 'the coordinator is shutting down');
      await Promise.all([...farewells, listener.close()]);
    },
  };
}

/** A pin that stays keeps out a node that may come in, which is safe, and is told. */
function forgetOthers(
  pins: PeerPins,
  ids: ReadonlySet<NodeId>,
  notices: ReturnType<typeof createNotices>,
): void {
  try {
    pins.retain(ids);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const message = `it could not be stored that nodes were removed from the cluster: ${reason}`;
    notices.tell('pins', { level: 'error', message });
  }
}
