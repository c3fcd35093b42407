import { setTimeout as pause } from 'node:timers/promises';
import { GradswarmError } from '../../shared/base/errors.ts';
import { limits } from '../../shared/base/limits.ts';
import type { ClusterActions, ClusterMemberView } from '../net/admin-ports.ts';
import { isVoter, membersOf, type NodeId } from '../raft/cluster-configuration.ts';
import type { ClusterLog, ClusterStatus } from '../runtime/cluster-log.ts';
import type { Peers } from '../runtime/peers.ts';

export interface RaftActionsDependencies {
  readonly id: NodeId;
  /** `host:port` where others reach this coordinator. */
  readonly address: string;
  readonly log: ClusterLog;
  readonly peers: Pick<Peers, 'describe'>;
  clientUrl(): string | undefined;
  /** Shortens the log now. */
  takeSnapshot(): Promise<{ readonly index: number; readonly bytes: number }>;
}

const catchUpPollMs = 200;

/** What an operator does to a cluster whose coordinators order its log themselves. */
export function createRaftActions(dependencies: RaftActionsDependencies): ClusterActions {
  const { id: self, address: ownAddress, log, peers, clientUrl, takeSnapshot } = dependencies;

  const requireMember = (id: string, field: string): ClusterStatus => {
    const status = log.status();
    const members = membersOf(status.configuration);
    if (members.includes(id)) return status;
    throw new GradswarmError(
      'notFound',
      `no coordinator is named "${id}"; there are ${members.join(', ')}`,
      field,
    );
  };

  /** A cluster that began with one coordinator, without peers, does not know where that one is reached. */
  const makeReachable = async (): Promise<void> => {
    const known = log.status().configuration.addresses[self];
    if (known === '') await log.changeMembership([{ kind: 'move', id: self, address: ownAddress }]);
  };

  const promote = async (id: NodeId, signal: AbortSignal): Promise<void> => {
    for (;;) {
      signal.throwIfAborted();
      const { configuration, progress, commit } = log.status();
      if (!configuration.learners.includes(id)) break;
      const matchIndex = progress.get(id)?.matchIndex ?? 0;
      if (commit - matchIndex <= limits.raftCaughtUpEntriesMax) {
        if (await promoted(log, id)) return;
      }
      await pause(catchUpPollMs, undefined, { signal });
    }
    if (isVoter(log.status().configuration, id)) return;
    throw new GradswarmError('conflict', `"${id}" was removed before it had caught up`, 'id');
  };

  return {
    async status() {
      const status = log.status();
      const { term, leader, commit } = status;
      const members = membersOf(status.configuration).map((id): ClusterMemberView => {
        const common = { id, address: status.configuration.addresses[id] ?? '', role: roleOf(id, status) };
        if (id === self) {
          const lag = leader === self ? { lag: 0 } : {};
          return { ...common, clientUrl: clientUrl(), isConnected: true, term, commit, ...lag };
        }
        const peer = peers.describe(id);
        const progress = status.progress.get(id);
        return {
          ...common,
          clientUrl: peer?.clientUrl,
          isConnected: peer?.isConnected ?? false,
          ...(progress && { term, commit: Math.min(commit, progress.matchIndex) }),
          ...(progress && { lag: Math.max(0, status.lastIndex - progress.matchIndex) }),
        };
      });
      return { nodeId: self, consensus: 'raft', leaderId: leader, term, commit, members };
    },

    async add(id, address, signal) {
      const { configuration } = log.status();
      const isLearner = configuration.learners.includes(id);
      if (isVoter(configuration, id)) {
        throw new GradswarmError('conflict', `"${id}" is a member already`, 'id');
      }
      const taken = Object.entries(configuration.addresses).find(([, known]) => known === address);
      if (taken !== undefined && taken[0] !== id) {
        throw new GradswarmError('conflict', `${address} is the address of "${taken[0]}"`, 'address');
      }
      await makeReachable();
      if (!isLearner) await log.changeMembership([{ kind: 'addLearner', id, address }]);
      await promote(id, signal);
    },

    async remove(id) {
      requireMember(id, 'id');
      await log.changeMembership([{ kind: 'remove', id }]);
    },

    async transfer(to) {
      const target = to ?? bestSuccessor(log.status());
      if (target === undefined) {
        throw new GradswarmError(
          'conflict',
          'no other coordinator can take over now: none that votes is connected',
        );
      }
      requireMember(target, 'to');
      if (target !== self || log.status().leader !== self) await log.transferLeadership(target);
      return target;
    },

    snapshot: takeSnapshot,
  };
}

/** False when the log has grown meanwhile, or another change is under way: worth another try. */
async function promoted(log: ClusterLog, id: NodeId): Promise<boolean> {
  try {
    await log.changeMembership([{ kind: 'promote', id }]);
    return true;
  } catch (error) {
    const isPassing = error instanceof GradswarmError && ['badRequest', 'conflict'].includes(error.code);
    if (isPassing) return false;
    throw error;
  }
}

function roleOf(
  id: NodeId,
  { id: self, role, leader, configuration }: ClusterStatus,
): ClusterMemberView['role'] {
  if (id === leader) return 'leader';
  if (configuration.learners.includes(id)) return 'learner';
  return id === self && (role === 'candidate' || role === 'preCandidate') ? 'candidate' : 'follower';
}

/** The voter that holds most of the log. */
function bestSuccessor({ configuration, progress }: ClusterStatus): NodeId | undefined {
  const able = [...progress].filter(([id, { isActive }]) => isActive && configuration.voters.includes(id));
  able.sort(([, one], [, other]) => other.matchIndex - one.matchIndex);
  return able[0]?.[0];
}
