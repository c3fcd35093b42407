import { GradswarmError } from '../../shared/base/errors.ts';
import type { WorkerId } from '../../shared/base/ids.ts';
import type { RegisteredWorker, WorkerConnection } from './worker-connection.ts';

/** Open connections, and which of them speaks for which worker. */
export interface WorkerRegistry {
  add(connection: WorkerConnection): void;
  /** The connection speaks for the worker from now on; an earlier one of the same worker is closed. */
  register(connection: WorkerConnection, worker: RegisteredWorker): void;
  /** The connection has ended. */
  remove(connection: WorkerConnection): void;
  disconnect(workerId: WorkerId, error: GradswarmError): void;
  dropToken(tokenId: string): void;
  /** Of every worker. */
  closeAll(error: GradswarmError): void;
  readonly size: number;
}

/** `onLeft` is told of workers that no connection speaks for any more. */
export function createWorkerRegistry(onLeft: (workerId: WorkerId) => void): WorkerRegistry {
  const connections = new Set<WorkerConnection>();
  const byWorker = new Map<WorkerId, WorkerConnection>();

  return {
    add(connection) {
      connections.add(connection);
    },
    register(connection, worker) {
      if (!connections.has(connection)) {
        onLeft(worker.workerId);
        return;
      }
      const former = byWorker.get(worker.workerId);
      connection.worker = worker;
      byWorker.set(worker.workerId, connection);
      if (former === undefined || former === connection) return;
      former.worker = undefined;
      former.close(new GradswarmError('conflict', 'the worker registered again on another connection'));
    },
    remove(connection) {
      connections.delete(connection);
      const workerId = connection.worker?.workerId;
      connection.worker = undefined;
      if (workerId === undefined || byWorker.get(workerId) !== connection) return;
      byWorker.delete(workerId);
      onLeft(workerId);
    },
    disconnect(workerId, error) {
      byWorker.get(workerId)?.close(error);
    },
    dropToken(tokenId) {
      for (const connection of connections) {
        if (connection.worker?.tokenId !== tokenId) continue;
        connection.close(new GradswarmError('unauthenticated', 'the token was revoked'));
      }
    },
    closeAll(error) {
      for (const connection of connections) if (connection.worker) connection.close(error);
    },
    get size() {
      return connections.size;
    },
  };
}
