import { randomBytes } from 'node:crypto';
import { GradswarmError } from '../../shared/base/errors.ts';
import type { JobId, WorkerId } from '../../shared/base/ids.ts';
import { crc32 } from '../../shared/protocol/checksum.ts';
import type { Link } from '../../shared/protocol/link.ts';
import { createRpcServer } from '../../shared/protocol/rpc-server.ts';
import { workerService } from '../../shared/protocol/services.ts';
import { systemTimers } from '../../shared/protocol/timers.ts';
import type { Effect } from '../core/events.ts';
import { createBroadcast } from './broadcast.ts';
import { expectHandshake } from './handshake.ts';
import { encodeUpdate } from './parameter-updates.ts';
import { createSnapshots } from './snapshots.ts';
import { registeredWorker, type WorkerConnection } from './worker-connection.ts';
import { createWorkerHandlers } from './worker-handlers.ts';
import type { WorkerGatewayDeps } from './worker-ports.ts';

export interface WorkerGateway {
  /** The link belongs to the gateway from now on. */
  serve(link: Link): void;
  /** True when the effect was for this gateway. */
  execute(effect: Effect): boolean;
  /** Closes the connections of a token that was revoked. */
  dropToken(tokenId: string): void;
  readonly connections: number;
}

/** Workers' connections: their calls become events, and effects become frames. */
export function createWorkerGateway(deps: WorkerGatewayDeps): WorkerGateway {
  const timers = deps.timers ?? systemTimers;
  const checksum = deps.checksum ?? crc32;
  const connections = new Set<WorkerConnection>();
  const byWorker = new Map<WorkerId, WorkerConnection>();
  const broadcast = createBroadcast();
  const snapshots = createSnapshots(deps.snapshot, checksum);

  const handlers = createWorkerHandlers({
    ...deps,
    createId: deps.createId ?? (() => randomBytes(16).toString('hex')),
    watch: (jobId, signal) => broadcast.watch(jobId, signal),
    snapshotReply: snapshots.get,
    registered(connection, worker) {
      if (!connections.has(connection)) {
        deps.post({ kind: 'workerLeft', workerId: worker.workerId });
        return;
      }
      const former = byWorker.get(worker.workerId);
      connection.worker = worker;
      byWorker.set(worker.workerId, connection);
      if (former && former !== connection) {
        former.worker = undefined;
        former.close(new GradswarmError('conflict', 'the worker registered again on another connection'));
      }
    },
  });

  const server = createRpcServer(workerService, handlers, {
    checksum,
    timers,
    onDefect: deps.onDefect,
    admit(connection: WorkerConnection, method) {
      if (method !== 'WorkerService/Register') registeredWorker(connection);
    },
    ...(deps.budget ? { budget: deps.budget } : {}),
  });

  const leave = (connection: WorkerConnection): void => {
    connections.delete(connection);
    const workerId = connection.worker?.workerId;
    connection.worker = undefined;
    if (workerId === undefined || byWorker.get(workerId) !== connection) return;
    byWorker.delete(workerId);
    deps.post({ kind: 'workerLeft', workerId });
  };

  const publish = (effect: Extract<Effect, { kind: 'publishUpdate' }>): void => {
    snapshots.forget(effect.jobId);
    if (broadcast.watchers(effect.jobId) === 0) return;
    const codec = deps.job(effect.jobId)?.document.codec.down ?? '';
    const { update, resync } = encodeUpdate(
      effect,
      codec,
      deps.delta(effect.jobId, effect.version),
      checksum,
    );
    broadcast.publish(effect.jobId, update, resync);
  };

  const endWatches = (jobId: JobId): void => {
    const state = deps.job(jobId)?.state;
    if (state === 'running' || state === 'paused') return;
    broadcast.end(jobId);
    snapshots.forget(jobId);
  };

  return {
    serve(link) {
      const connection: WorkerConnection = {
        worker: undefined,
        isRegistering: false,
        close: (error) => served.close(error),
      };
      const served = server.serve(link, connection);
      connections.add(connection);
      expectHandshake(served, () => connection.worker !== undefined, 'Register', timers);
      void served.closed.then(() => leave(connection));
    },
    execute(effect) {
      switch (effect.kind) {
        case 'disconnect':
          byWorker.get(effect.workerId)?.close(new GradswarmError(effect.code, effect.message));
          return true;
        case 'publishUpdate':
          publish(effect);
          return true;
        case 'jobChanged':
          endWatches(effect.jobId);
          return true;
        default:
          return false;
      }
    },
    dropToken(tokenId) {
      for (const connection of connections) {
        if (connection.worker?.tokenId !== tokenId) continue;
        connection.close(new GradswarmError('unauthenticated', 'the token was revoked'));
      }
    },
    get connections() {
      return connections.size;
    },
  };
}
