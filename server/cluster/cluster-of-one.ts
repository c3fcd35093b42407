import { GradswarmError } from '../../shared/base/errors.ts';
import type { ClusterActions } from '../net/admin-ports.ts';
import type { ReplicatedLog } from '../runtime/ports.ts';

export interface ClusterOfOneDependencies {
  readonly id: string;
  /** Where workers and pages reach this coordinator. */
  clientUrl(): string | undefined;
  readonly log: Pick<ReplicatedLog, 'barrier' | 'leadership'>;
}

const remedy =
  'start it with --peer-listen HOST:PORT and --cluster-secret-file FILE, and the new one with --join HOST:PORT besides';

/** The cluster of a coordinator that listens for no peers: there is a state to see, and nothing to change. */
export function createClusterOfOne({ id, clientUrl, log }: ClusterOfOneDependencies): ClusterActions {
  const refuse = (missing: string, field?: string): Promise<never> =>
    Promise.reject(new GradswarmError('conflict', missing, field));
  const refuseOthers = (wanted: string, field: string): Promise<never> =>
    wanted === id
      ? refuse(`"${id}" is the only coordinator; add another one first`, field)
      : Promise.reject(
          new GradswarmError('notFound', `no coordinator is named "${wanted}"; there is only "${id}"`, field),
        );

  return {
    async status() {
      const { epoch: term, isLeader } = log.leadership();
      const commit = await log.barrier();
      const role = isLeader ? 'leader' : 'follower';
      const self = {
        id,
        address: '',
        clientUrl: clientUrl(),
        role,
        isConnected: true,
        term,
        commit,
        lag: 0,
      } as const;
      return {
        nodeId: id,
        consensus: 'single',
        leaderId: isLeader ? id : undefined,
        term,
        commit,
        members: [self],
      };
    },
    add: () => refuse(`this coordinator does not listen for peers: ${remedy}`),
    remove: (wanted) => refuseOthers(wanted, 'id'),
    transfer: (to) =>
      to === undefined
        ? refuse(`"${id}" is the only coordinator; add another one first`)
        : refuseOthers(to, 'to'),
    snapshot: () =>
      refuse(
        'a coordinator without peers shortens its log by itself; there is no member that needs a snapshot',
      ),
  };
}
