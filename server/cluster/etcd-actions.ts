import { GradswarmError } from '../../shared/base/errors.ts';
import type { ClusterActions, ClusterMemberView } from '../net/admin-ports.ts';
import type { NodeId } from '../raft/cluster-configuration.ts';
import type { Peers } from '../runtime/peers.ts';
import type { EtcdLog } from '../storage/etcd/etcd-log.ts';

export interface EtcdActionsDependencies {
  readonly id: NodeId;
  readonly log: Pick<EtcdLog, 'status' | 'removeMember' | 'transferLeadership'>;
  readonly peers: Pick<Peers, 'describe'>;
  clientUrl(): string | undefined;
  takeSnapshot: ClusterActions['snapshot'];
}

/** What an operator does to a cluster whose log is in etcd. */
export function createEtcdActions({
  id: self,
  log,
  peers,
  clientUrl,
  takeSnapshot,
}: EtcdActionsDependencies): ClusterActions {
  return {
    async status() {
      const { leaderId, epoch: term, lastIndex: commit, members } = log.status();
      const rows = members.map(({ id, address, clientUrl: url }): ClusterMemberView => {
        const role = id === leaderId ? 'leader' : 'follower';
        if (id === self)
          return { id, address, clientUrl: clientUrl(), role, isConnected: true, term, commit };
        return { id, address, clientUrl: url, role, isConnected: peers.describe(id)?.isConnected ?? false };
      });
      return { nodeId: self, consensus: 'etcd', leaderId, term, commit, members: rows };
    },
    async add(id) {
      if (log.status().members.some((member) => member.id === id)) {
        throw new GradswarmError('conflict', `"${id}" is a member already`, 'id');
      }
      const remedy =
        `start it with --id ${id}, a --peer-listen of its own, and the same --cluster-secret-file (or certificates), ` +
        '--consensus etcd, --etcd and --etcd-prefix';
      throw new GradswarmError('conflict', `coordinators on etcd add themselves: ${remedy}`, 'id');
    },
    remove: (id) => log.removeMember(id),
    async transfer(to) {
      const target =
        to ?? log.status().members.find(({ id }) => id !== self && peers.describe(id)?.isConnected)?.id;
      if (target === undefined) {
        throw new GradswarmError('conflict', 'no other coordinator can take over now: none is connected');
      }
      await log.transferLeadership(target);
      return target;
    },
    snapshot: takeSnapshot,
  };
}
