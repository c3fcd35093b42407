import { assert } from '../../shared/base/assert.ts';
import { parseHostPort } from '../../shared/base/host-port.ts';
import { limits } from '../../shared/base/limits.ts';
import type { Configuration } from '../http/configuration-schema.ts';
import { createPeers } from '../net/peers/create-peers.ts';
import { loadPeerTls, type PeerTls } from '../net/peers/peer-tls.ts';
import type { Message } from '../raft/message.ts';
import type { Peers } from '../runtime/peers.ts';
import type { DataFolder } from '../storage/data-folder.ts';
import { openPeerPins } from '../storage/peer-pins.ts';
import type { ConsensusEvents, OwnSide } from './consensus.ts';

/** Listens for the other coordinators. @throws GradswarmError `portInUse`, `badRequest`. */
export function openPeers(
  configuration: Configuration,
  { clusterId, incarnation, path }: DataFolder,
  { clientUrl, handlers }: OwnSide,
  onMessage: (message: Message) => void,
  events: ConsensusEvents,
): Promise<Peers> {
  const { id: nodeId, peerListen, clusterSecret: secret } = configuration;
  const listen = parseHostPort(peerListen);
  assert(listen !== undefined, 'the configuration was checked');
  const tls = readPeerTls(configuration);
  return createPeers(
    {
      ...{ nodeId, clusterId, incarnation, clientUrl, listen, secret },
      waitsToBeAdded: configuration.join !== '',
      ...(tls && { tls }),
      pins: openPeerPins(path),
      electionTimeoutMs: limits.raftElectionTicks * limits.raftTickMs,
      report: ({ level, message }) => events.report(level, message),
      onDefect: events.onDefect,
    },
    { ...handlers, onMessage },
  );
}

/** @throws GradswarmError `badRequest` naming the file at fault. */
export function readPeerTls({ peerTlsCert, peerTlsKey, peerTlsCa }: Configuration): PeerTls | undefined {
  if (peerTlsCert === '') return undefined;
  return loadPeerTls({ certFile: peerTlsCert, keyFile: peerTlsKey, caFile: peerTlsCa });
}
