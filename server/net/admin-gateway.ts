import { GradswarmError } from '../../shared/base/errors.ts';
import type { Link } from '../../shared/protocol/link.ts';
import { createRpcServer } from '../../shared/protocol/rpc-server.ts';
import { adminService } from '../../shared/protocol/services.ts';
import { systemTimers } from '../../shared/system/system-timers.ts';
import type { Effect } from '../core/events.ts';
import type { AdminConnection } from './admin-connection.ts';
import { createAdminHandlers } from './admin-handlers.ts';
import type { AdminGatewayDeps } from './admin-ports.ts';
import { createChanges } from './changes.ts';
import { createHandshakeWatch } from './handshake.ts';
import { requireLeader } from './require-leader.ts';

export interface AdminGateway {
  /** The link belongs to the gateway from now on. */
  serve(link: Link): void;
  /** Looks at every effect for changes that watchers wait for; none is taken away. */
  observe(effect: Effect): void;
  /** Closes the connections of a token that was revoked. */
  dropToken(tokenId: string): void;
  /** Closes every connection: who watches a job here would never hear of it again. */
  leadershipLost(): void;
  readonly connections: number;
}

/** Methods that need neither a change of the log nor the leader's view. */
const answeredByAll: ReadonlySet<string> = new Set([
  'AdminService/SignIn',
  'AdminService/ClusterStatus',
  'AdminService/ClusterSnapshot',
]);

/** Connections of the control page and the command line. */
export function createAdminGateway(deps: AdminGatewayDeps): AdminGateway {
  const timers = deps.timers ?? systemTimers;
  const connections = new Set<AdminConnection>();
  const handshakes = createHandshakeWatch<AdminConnection>(
    'SignIn',
    ({ tokenId }) => tokenId !== undefined,
    timers,
  );
  const changes = createChanges();

  const server = createRpcServer(adminService, createAdminHandlers(deps, changes, timers), {
    timers,
    onDefect: deps.onDefect,
    onClosed(connection: AdminConnection) {
      handshakes.ended(connection);
      connections.delete(connection);
    },
    admit({ tokenId }: AdminConnection, method) {
      if (tokenId === undefined && method !== 'AdminService/SignIn') {
        throw new GradswarmError('unauthenticated', 'the first call on a connection is SignIn');
      }
      if (!answeredByAll.has(method)) requireLeader(deps.cluster());
    },
    ...(deps.checksum ? { checksum: deps.checksum } : {}),
    ...(deps.budget ? { budget: deps.budget } : {}),
  });

  return {
    serve(link) {
      const connection: AdminConnection = {
        tokenId: undefined,
        isChangingCluster: false,
        close: (error) => served.close(error),
      };
      connections.add(connection);
      handshakes.expect(connection);
      const served = server.serve(link, connection);
    },
    observe(effect) {
      if (effect.kind === 'publishUpdate' || effect.kind === 'jobChanged') changes.notify(effect.jobId);
    },
    dropToken(tokenId) {
      for (const connection of connections) {
        if (connection.tokenId !== tokenId) continue;
        connection.close(new GradswarmError('unauthenticated', 'the token was revoked'));
      }
    },
    leadershipLost() {
      for (const connection of connections) {
        if (connection.isChangingCluster) continue;
        connection.close(new GradswarmError('notLeader', 'this coordinator leads no longer'));
      }
    },
    get connections() {
      return connections.size;
    },
  };
}
