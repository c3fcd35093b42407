import { parseHostPort } from '../../../shared/base/host-port.ts';
import type { NodeId } from '../../raft/cluster-configuration.ts';
import { createMember, type Member, type MemberOptions } from './member.ts';

/** Who the other members are, and the connections to each. */
export interface Roster {
  readonly isEmpty: boolean;
  has(id: NodeId): boolean;
  /** Undefined as well for a member whose address cannot be used. */
  get(id: NodeId): Member | undefined;
  follow(addresses: Readonly<Record<NodeId, string>>): void;
  /** Resolves when every connection that was ever opened here has ended. */
  close(): Promise<unknown>;
}

const goingAway = 1001;

export function createRoster(
  ownId: NodeId,
  shared: Omit<MemberOptions, 'id' | 'address' | 'clientUrl'>,
): Roster {
  let ids: ReadonlySet<NodeId> = new Set();
  const members = new Map<NodeId, Member>();
  const farewells = new Set<Promise<unknown>>();

  const drop = (id: NodeId, reason: string): void => {
    const member = members.get(id);
    if (!member) return;
    members.delete(id);
    const farewell = member.close(goingAway, reason).finally(() => farewells.delete(farewell));
    farewells.add(farewell);
  };

  const put = (id: NodeId, address: string): void => {
    const known = members.get(id);
    if (known?.address === address) return;
    const clientUrl = known?.view().clientUrl;
    drop(id, 'another address');
    if (parseHostPort(address)) members.set(id, createMember({ ...shared, id, address, clientUrl }));
    else {
      const message = `node ${id} cannot be reached: its address ${JSON.stringify(address)} is not host:port`;
      shared.notices.tell(`to ${id}`, { level: 'error', message });
    }
  };

  return {
    get isEmpty() {
      return ids.size === 0;
    },
    has: (id) => ids.has(id),
    get: (id) => members.get(id),
    follow(addresses) {
      ids = new Set(Object.keys(addresses).filter((id) => id !== ownId));
      for (const id of members.keys()) if (!ids.has(id)) drop(id, 'no member of the cluster any more');
      for (const id of ids) put(id, addresses[id] ?? '');
    },
    close() {
      for (const id of members.keys()) drop(id, 'the coordinator is shutting down');
      return Promise.all(farewells);
    },
  };
}
