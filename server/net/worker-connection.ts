import { GradswarmError } from '../../shared/base/errors.ts';
import type { WorkerId } from '../../shared/base/ids.ts';
import type { ServedConnection } from '../../shared/protocol/rpc-server.ts';
import type { DeterminismClass } from '../../shared/protocol/services.ts';
import type { Role } from '../core/commands.ts';

export interface RegisteredWorker {
  readonly workerId: WorkerId;
  readonly role: Role | 'anonymous';
  readonly determinismClass: Pick<DeterminismClass, 'engine' | 'build'>;
  /** Absent for anonymous contributors. */
  readonly tokenId: string | undefined;
}

/** What the gateway knows of one connection. */
export class WorkerConnection {
  /** Set once the coordinator has taken the worker in. */
  worker: RegisteredWorker | undefined;
  isRegistering = false;
  /** Set as soon as it is served. */
  served: ServedConnection | undefined;

  close(error: GradswarmError): void {
    this.served?.close(error);
  }
}

/** @throws GradswarmError `notRegistered`. */
export function registeredWorker(connection: WorkerConnection): RegisteredWorker {
  if (connection.worker) return connection.worker;
  throw new GradswarmError('notRegistered', 'the first call on a connection is Register');
}
