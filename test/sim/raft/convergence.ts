import { isMember } from './operator.ts';
import type { SimCluster } from './sim-cluster.ts';

/** What is still wanting: one leader that everyone follows, one log, one state, and an answer to every client. */
export function convergenceProblem(cluster: SimCluster): string | undefined {
  const leader = cluster.leader();
  if (leader === undefined) return 'there is no leader';
  const { configuration, term, lastIndex, progress } = leader.raft.status();
  if (configuration.outgoing.length > 0) return 'the configuration is joint';
  if (!configuration.voters.includes(leader.id)) return `${leader.id} leads and is no voter`;
  for (const { id, end, process } of cluster.members) {
    if (end !== undefined || !isMember(configuration, id)) continue;
    if (process === undefined) return `${id} is down`;
    const status = process.raft.status();
    if (status.term !== term) return `${id} is in term ${status.term}, the leader in ${term}`;
    if (status.leader !== leader.id) return `${id} follows ${status.leader}`;
    if (process.machine.index !== lastIndex)
      return `${id} has applied ${process.machine.index} of ${lastIndex}`;
    if (JSON.stringify(status.configuration) !== JSON.stringify(configuration))
      return `${id} is configured otherwise`;
    if (id !== leader.id && progress.get(id)?.matchIndex !== lastIndex) return `${id} is not known to match`;
  }
  for (const client of cluster.clients) {
    if (!client.isIdle) return `${client.id} waits for an answer`;
    const count = leader.machine.countOf(client.id);
    if (count !== client.acknowledged)
      return `${client.id} has ${client.acknowledged} answers to ${count} commands`;
  }
  return undefined;
}
