import type { ReplicatedLog } from '../../server/runtime/ports.ts';
import { EtcdLog, type EtcdLogOptions } from '../../server/storage/etcd/etcd-log.ts';

export const clusterId = '0f'.repeat(16);

let prefixes = 0;

/** One that no other log of this process uses. */
export function freshPrefix(): string {
  prefixes += 1;
  return `/test-${process.pid}/${prefixes}`;
}

/** Long enough that a busy machine does not end the leadership of a test. */
export const steadyLeaseSeconds = 20;

export function openEtcdLog(
  options: Partial<EtcdLogOptions> & Pick<EtcdLogOptions, 'endpoints' | 'prefix'>,
): Promise<EtcdLog> {
  return EtcdLog.open({
    clusterId,
    identity: 'wss://this.example',
    leaseSeconds: steadyLeaseSeconds,
    onFatal: (error) => {
      throw error;
    },
    onProblem: () => {},
    ...options,
  });
}

/** Resolves as soon as the log's process leads. */
export function untilLeading(log: ReplicatedLog): Promise<void> {
  return new Promise((resolve) => {
    const stop = log.onLeadership(({ isLeader }) => {
      if (!isLeader) return;
      stop();
      resolve();
    });
    if (!log.leadership().isLeader) return;
    stop();
    resolve();
  });
}
