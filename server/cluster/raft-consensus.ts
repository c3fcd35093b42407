import { randomInt } from 'node:crypto';
import { aloneInCluster } from '../../shared/base/cluster-view.ts';
import { createRandom } from '../../shared/base/random.ts';
import type { Configuration } from '../http/configuration-schema.ts';
import { isSoleVoter, membersOf, type NodeId } from '../raft/cluster-configuration.ts';
import { noPeers } from '../runtime/raft/no-peers.ts';
import { RaftLog } from '../runtime/raft-log.ts';
import type { DataFolder } from '../storage/data-folder.ts';
import { openRaftStorage } from '../storage/raft-storage.ts';
import { createClusterOfOne } from './cluster-of-one.ts';
import type { Consensus, ConsensusEvents } from './consensus.ts';
import { createLatePeers } from './late-peers.ts';
import { openPeers } from './open-peers.ts';
import { createRaftActions } from './raft-actions.ts';

/** Coordinators that order the log themselves: one, three or five. */
export async function openRaftConsensus(
  configuration: Configuration,
  folder: DataFolder,
  events: ConsensusEvents,
): Promise<Consensus> {
  const { id, peers: initialPeers, join, peerListen } = configuration;
  const { logFolder, clusterId } = folder;
  const late = createLatePeers();
  const opened = await openRaftStorage({
    folder: logFolder,
    clusterId,
    nodeId: id,
    initialVoters: initialVoters(id, initialPeers, join, peerListen),
    onFatal: events.onFatal,
  });
  const log = await RaftLog.open({
    nodeId: id,
    opened,
    peers: peerListen === '' ? noPeers : late,
    random: createRandom(randomInt(2 ** 32)),
    onFatal: events.onFatal,
    addresses: initialPeers,
  });
  let clientUrl: string | undefined;
  const urlOf = (member: NodeId): string | undefined =>
    member === id ? clientUrl : late.describe(member)?.clientUrl;

  return {
    log,
    access: { self: id, configuration: () => log.status().configuration, peers: late },
    relays: late,
    leader: () => log.status().leader,
    isAlone: () => isSoleVoter(log.status().configuration, id),
    view(isLeader) {
      const { leader, configuration: inForce } = log.status();
      const others = membersOf(inForce).filter((member) => member !== id);
      if (others.length === 0) return { ...aloneInCluster, isLeader };
      const coordinatorUrls = [id, ...others].map(urlOf).filter((url) => url !== undefined);
      return { isLeader, leaderUrl: leader === undefined ? undefined : urlOf(leader), coordinatorUrls };
    },
    actions: (takeSnapshot) =>
      peerListen === ''
        ? createClusterOfOne({ id, clientUrl: () => clientUrl, log })
        : createRaftActions({
            id,
            address: initialPeers[id] ?? peerListen,
            log,
            peers: late,
            clientUrl: () => clientUrl,
            takeSnapshot,
          }),
    async connect(own) {
      clientUrl = own.clientUrl;
      if (peerListen !== '')
        late.arrive(await openPeers(configuration, folder, own, (message) => log.receive(message), events));
    },
    disconnect: () => late.close(),
  };
}

function initialVoters(
  id: NodeId,
  peers: Configuration['peers'],
  join: string,
  peerListen: string,
): Readonly<Record<NodeId, string>> {
  if (join !== '') return {};
  return Object.keys(peers).length > 0 ? peers : { [id]: peerListen };
}
