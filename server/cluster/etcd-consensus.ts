import type { Configuration } from '../http/configuration-schema.ts';
import type { ClusterConfiguration, NodeId } from '../raft/cluster-configuration.ts';
import type { DataFolder } from '../storage/data-folder.ts';
import { EtcdLog } from '../storage/etcd/etcd-log.ts';
import type { Consensus, ConsensusEvents } from './consensus.ts';
import { createEtcdActions } from './etcd-actions.ts';
import { createLatePeers } from './late-peers.ts';
import { openPeers } from './open-peers.ts';

/** Coordinators whose log is in etcd; they speak with one another only to exchange blobs. */
export async function openEtcdConsensus(
  configuration: Configuration,
  folder: DataFolder,
  events: ConsensusEvents,
): Promise<Consensus> {
  const { id, etcd, etcdPrefix, peerListen } = configuration;
  const { clusterId, incarnation } = folder;
  const late = createLatePeers();
  const log = await EtcdLog.open({
    endpoints: etcd,
    prefix: etcdPrefix,
    clusterId,
    onFatal: events.onFatal,
    onProblem: (error) => events.report('error', error.message),
  });
  let clientUrl: string | undefined;

  /** All that are written down count: a blob is safe on a majority of them. */
  const membersNow = (): ClusterConfiguration => {
    const { members } = log.status();
    const others = members.filter((member) => member.id !== id);
    return {
      voters: [id, ...others.map((member) => member.id)].sort(),
      outgoing: [],
      learners: [],
      learnersNext: [],
      addresses: Object.fromEntries([
        [id, peerListen],
        ...others.map((member) => [member.id, member.address]),
      ]),
    };
  };
  const followRoster = (): void => {
    const { [id]: _own, ...others } = membersNow().addresses;
    late.setMembers(others);
  };
  const urlOf = (wanted: NodeId | undefined): string | undefined =>
    log.status().members.find((member) => member.id === wanted)?.clientUrl;

  return {
    log,
    access: { self: id, configuration: membersNow, peers: late },
    relays: late,
    leader: () => log.status().leaderId,
    isAlone: () => false,
    view(isLeader) {
      const { leaderId, members } = log.status();
      const coordinatorUrls = members.map((member) => member.clientUrl);
      return { isLeader, leaderUrl: urlOf(leaderId), coordinatorUrls };
    },
    actions: (takeSnapshot) =>
      createEtcdActions({ id, log, peers: late, clientUrl: () => clientUrl, takeSnapshot }),
    async connect(own) {
      clientUrl = own.clientUrl;
      late.arrive(await openPeers(configuration, folder, own, () => {}, events));
      log.onStatus(followRoster);
      await log.join({ id, incarnation, address: peerListen, clientUrl });
      followRoster();
    },
    disconnect: () => late.close(),
  };
}
