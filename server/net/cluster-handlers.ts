import { GradswarmError } from '../../shared/base/errors.ts';
import { parseHostPort } from '../../shared/base/host-port.ts';
import { isNodeId } from '../../shared/base/ids.ts';
import type { ServiceHandlers } from '../../shared/protocol/rpc-handlers.ts';
import type { adminService } from '../../shared/protocol/services.ts';
import type { AdminConnection } from './admin-connection.ts';
import type { AdminGatewayDeps, ClusterStatusView } from './admin-ports.ts';

type ClusterMethod = 'clusterStatus' | 'clusterAdd' | 'clusterRemove' | 'clusterTransfer' | 'clusterSnapshot';

/** What an operator does to the cluster itself. */
export function clusterHandlers({
  clusterActions,
  clusterId,
}: AdminGatewayDeps): Pick<ServiceHandlers<typeof adminService, AdminConnection>, ClusterMethod> {
  return {
    clusterStatus: {
      answer: async () => ({ message: { clusterId, ...statusMessage(await clusterActions.status()) } }),
    },
    clusterAdd: {
      async answer({ id, address }, { signal }) {
        if (parseHostPort(address) === undefined) {
          const expected = `the address of a coordinator for its peers is host:port, not "${address.slice(0, 200)}"`;
          throw new GradswarmError('badRequest', expected, 'address');
        }
        await clusterActions.add(readNodeId(id, 'id'), address, signal);
        return { message: {} };
      },
    },
    clusterRemove: {
      async answer({ id }, { connection }) {
        await change(connection, () => clusterActions.remove(readNodeId(id, 'id')));
        return { message: {} };
      },
    },
    clusterTransfer: {
      async answer({ to }, { connection }) {
        const wanted = to === '' ? undefined : readNodeId(to, 'to');
        return { message: { leaderId: await change(connection, () => clusterActions.transfer(wanted)) } };
      },
    },
    clusterSnapshot: {
      answer: async () => ({ message: await clusterActions.snapshot() }),
    },
  };
}

async function change<Result>(connection: AdminConnection, perform: () => Promise<Result>): Promise<Result> {
  connection.isChangingCluster = true;
  try {
    return await perform();
  } finally {
    connection.isChangingCluster = false;
  }
}

function readNodeId(text: string, field: string): string {
  if (isNodeId(text)) return text;
  const rule = 'a coordinator is named by 1 to 32 of the characters a-z, 0-9 and "-"';
  throw new GradswarmError('badRequest', `${rule}, not "${text.slice(0, 64)}"`, field);
}

function statusMessage({ leaderId, members, ...status }: ClusterStatusView) {
  return {
    ...status,
    leaderId: leaderId ?? '',
    members: members.map(({ clientUrl, ...member }) => ({ ...member, clientUrl: clientUrl ?? '' })),
  };
}
