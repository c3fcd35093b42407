import type {
  ClusterConfiguration,
  MembershipChange,
  NodeId,
} from '../../../server/raft/cluster-configuration.ts';
import type { RaftStatus } from '../../../server/raft/raft.ts';
import type { Random } from '../../../shared/base/random.ts';
import type { SimCluster } from './sim-cluster.ts';
import type { SimMember } from './sim-member.ts';

const votersMin = 3;
const votersMax = 5;
/** A learner this close to the end of the log is asked to vote. */
const promotableLag = 5;
const retireShare = 0.2;

/** An operator who replaces what is lost, and otherwise changes the membership for its own sake. */
export class Operator {
  private readonly cluster: SimCluster;
  private readonly random: Random;

  constructor(cluster: SimCluster) {
    this.cluster = cluster;
    this.random = cluster.random.fork('operator');
  }

  act(mayChangeAnything: boolean): void {
    this.retireRemoved();
    const { cluster } = this;
    const leader = cluster.leader();
    if (leader === undefined) return;
    const status = leader.raft.status();
    if (status.configuration.outgoing.length > 0) return;
    const changes = this.replacement(status) ?? (mayChangeAnything ? this.change(status) : undefined);
    if (changes === undefined) return;
    const result = leader.ask((raft) => raft.changeMembership(changes));
    cluster.trace.fault(`${leader.id} is asked for ${JSON.stringify(changes)}: ${result.kind}`);
  }

  /** What is lost for good goes; someone new comes first where it can. */
  private replacement(status: RaftStatus): readonly MembershipChange[] | undefined {
    const { voters, learners } = status.configuration;
    const { cluster, random } = this;
    const isLost = (id: NodeId) => cluster.memberOf(id)?.isLost ?? false;
    const lostLearner = learners.find(isLost);
    if (lostLearner !== undefined) return [{ kind: 'remove', id: lostLearner }];
    const lostVoter = voters.find(isLost);
    if (lostVoter === undefined) return undefined;
    if (voters.length > votersMin && random.below(2) === 0) return [{ kind: 'remove', id: lostVoter }];
    const successor = this.promotable(status);
    if (successor === undefined) return learners.length === 0 ? this.addition() : undefined;
    return [
      { kind: 'promote', id: successor },
      { kind: 'remove', id: lostVoter },
    ];
  }

  private change(status: RaftStatus): readonly MembershipChange[] | undefined {
    const { random } = this;
    const { voters, learners } = status.configuration;
    const successor = this.promotable(status);
    const leaving = random.below(3) === 0 ? status.id : this.pick(voters);
    switch (random.below(6)) {
      case 0:
        return learners.length === 0 ? this.addition() : undefined;
      case 1:
        return voters.length < votersMax && successor ? [{ kind: 'promote', id: successor }] : undefined;
      case 2:
        return voters.length > votersMin && leaving ? [{ kind: 'remove', id: leaving }] : undefined;
      case 3:
        return voters.length > votersMin && leaving ? [{ kind: 'demote', id: leaving }] : undefined;
      case 4:
        return successor && leaving
          ? [{ kind: 'promote', id: successor }, this.departure(leaving)]
          : undefined;
      default:
        return learners.length > 0 && random.below(4) === 0
          ? learners.map((id) => ({ kind: 'remove', id }))
          : undefined;
    }
  }

  private departure(id: NodeId): MembershipChange {
    return this.random.below(2) === 0 ? { kind: 'remove', id } : { kind: 'demote', id };
  }

  private addition(): readonly MembershipChange[] {
    const { cluster } = this;
    const { id } = cluster.newcomer() ?? cluster.addMember();
    return [{ kind: 'addLearner', id, address: `${id}:1` }];
  }

  private promotable({ configuration, progress, lastIndex }: RaftStatus): NodeId | undefined {
    return configuration.learners.find((id) => {
      const matchIndex = progress.get(id)?.matchIndex ?? 0;
      return matchIndex + promotableLag >= lastIndex && !this.cluster.memberOf(id)?.isLost;
    });
  }

  /** Members whose removal is committed go on for a while, as if nobody had told them, and are then shut down. */
  private retireRemoved(): void {
    const { configuration } = this.cluster.oracle.commits;
    for (const member of this.cluster.members) {
      if (isMember(configuration, member.id)) member.wasMember = true;
      else if (member.wasMember && member.end === undefined && this.random.unit() < retireShare) {
        member.stopForGood('retired');
      }
    }
  }

  private pick(ids: readonly NodeId[]): NodeId | undefined {
    return ids[this.random.below(ids.length)];
  }
}

export function isMember({ voters, outgoing, learners }: ClusterConfiguration, id: NodeId): boolean {
  return voters.includes(id) || outgoing.includes(id) || learners.includes(id);
}

/**
 * Whether a voter may lose its disk now: nothing else is lost, and everyone who may take part in an election agrees on
 * who votes. The promises of Raft are for minorities.
 */
export function mayLoseOne(members: readonly SimMember[], committed: ClusterConfiguration): boolean {
  const taking = members.filter(({ id, end }) => end !== 'retired' && isMember(committed, id));
  const text = JSON.stringify(committed);
  return (
    committed.voters.length >= votersMin &&
    committed.outgoing.length === 0 &&
    taking.every((member) => !member.isLost && JSON.stringify(member.configuration) === text)
  );
}
