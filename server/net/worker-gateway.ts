import { randomBytes } from 'node:crypto';
import { GradswarmError } from '../../shared/base/errors.ts';
import { crc32 } from '../../shared/protocol/checksum.ts';
import type { Link } from '../../shared/protocol/link.ts';
import { createRpcServer } from '../../shared/protocol/rpc-server.ts';
import { workerService } from '../../shared/protocol/services.ts';
import { systemTimers } from '../../shared/system/system-timers.ts';
import type { Effect } from '../core/events.ts';
import { createHandshakeWatch } from './handshake.ts';
import { createParameterFeed } from './parameter-feed.ts';
import { requireLeader } from './require-leader.ts';
import { createRingMail } from './ring-mail.ts';
import { tellRing } from './ring-messages.ts';
import { registeredWorker, WorkerConnection } from './worker-connection.ts';
import { createWorkerHandlers } from './worker-handlers.ts';
import type { EdgeCore, WorkerCore, WorkerGatewayDeps } from './worker-ports.ts';
import { createWorkerRegistry } from './worker-registry.ts';

export interface WorkerGateway {
  /** The link belongs to the gateway from now on. */
  serve(link: Link): void;
  /** True when the effect was for this gateway. */
  execute(effect: Effect): boolean;
  /** Closes the connections of a token that was revoked. */
  dropToken(tokenId: string): void;
  /** Closes the connections of all workers. */
  dropAll(error: GradswarmError): void;
  readonly connections: number;
}

/** Workers' connections: their calls become events, and effects become frames. */
export function createWorkerGateway(deps: WorkerGatewayDeps): WorkerGateway {
  const { timers = systemTimers, checksum = crc32 } = deps;
  /** The leader's, whoever that is: no other has a say in workers. */
  const core = (): WorkerCore => (isEdge(deps) ? deps.edge : deps);
  const registry = createWorkerRegistry((workerId) => core().post({ kind: 'workerLeft', workerId }));
  const handshakes = createHandshakeWatch<WorkerConnection>(
    'Register',
    ({ worker }) => worker !== undefined,
    timers,
  );
  const feed = createParameterFeed(deps, checksum);
  const ringMail = createRingMail();
  const handlers = createWorkerHandlers({
    ...deps,
    ringMail,
    core,
    createId: deps.createId ?? (() => randomBytes(16).toString('hex')),
    watch: feed.watch,
    snapshotReply: feed.snapshot,
    registered: registry.register,
  });
  const server = createRpcServer(workerService, handlers, {
    checksum,
    timers,
    onDefect: deps.onDefect,
    onClosed(connection: WorkerConnection) {
      handshakes.ended(connection);
      registry.remove(connection);
    },
    admit(connection: WorkerConnection, method) {
      // Before anything else, so that a follower's view of tokens and workers, which may be old, decides nothing.
      if (!isEdge(deps)) requireLeader(deps.cluster());
      if (method !== 'WorkerService/Register') registeredWorker(connection);
    },
    ...(deps.budget ? { budget: deps.budget } : {}),
  });

  return {
    serve(link) {
      const connection = new WorkerConnection();
      registry.add(connection);
      handshakes.expect(connection);
      connection.served = server.serve(link, connection);
    },
    execute(effect) {
      switch (effect.kind) {
        case 'disconnect':
          registry.disconnect(effect.workerId, new GradswarmError(effect.code, effect.message));
          return true;
        case 'publishUpdate':
          feed.publish(effect);
          return true;
        case 'tellRing':
          tellRing(ringMail, effect, checksum);
          return true;
        case 'jobChanged':
          feed.jobChanged(effect.jobId);
          return true;
        default:
          return false;
      }
    },
    dropToken: (tokenId) => registry.dropToken(tokenId),
    dropAll: (error) => registry.closeAll(error),
    get connections() {
      return registry.size;
    },
  };
}

/** Whether this coordinator follows, and the leader takes its workers. */
function isEdge(deps: WorkerGatewayDeps): deps is WorkerGatewayDeps & { readonly edge: EdgeCore } {
  return deps.edge?.isOpen === true && !deps.cluster().isLeader;
}
