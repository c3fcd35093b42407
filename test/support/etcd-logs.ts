import type { ReplicatedLog } from '../../server/runtime/ports.ts';
import { EtcdLog, type EtcdLogOptions } from '../../server/storage/etcd/etcd-log.ts';
import type { EtcdMember } from '../../server/storage/etcd/roster.ts';

export type EtcdLogTestOptions = Partial<EtcdLogOptions> &
  Pick<EtcdLogOptions, 'endpoints' | 'prefix'> & { readonly id?: string };

export const clusterId = '0f'.repeat(16);

let prefixes = 0;

/** One that no other log of this process uses. */
export function freshPrefix(): string {
  prefixes += 1;
  return `/test-${process.pid}/${prefixes}`;
}

/** Long enough that a busy machine does not end the leadership of a test. */
export const steadyLeaseSeconds = 20;

/** A member of this name, on a data folder of the same name. */
export function memberNamed(id: string): EtcdMember {
  return {
    id,
    incarnation: `folder of ${id}`,
    address: `${id}.example:7000`,
    clientUrl: `wss://${id}.example`,
  };
}

/** A log that has joined the cluster as `id`, by default `one`. */
export async function openEtcdLog({ id = 'one', ...options }: EtcdLogTestOptions): Promise<EtcdLog> {
  const log = await EtcdLog.open({
    clusterId,
    leaseSeconds: steadyLeaseSeconds,
    onFatal: (error) => {
      throw error;
    },
    onProblem: () => {},
    ...options,
  });
  await log.join(memberNamed(id));
  return log;
}

/** Resolves as soon as the log's process leads. */
export function untilLeading(log: ReplicatedLog): Promise<void> {
  return untilLeadership(log, true);
}

/** Resolves as soon as the log's process no longer leads. */
export function untilFollowing(log: ReplicatedLog): Promise<void> {
  return untilLeadership(log, false);
}

function untilLeadership(log: ReplicatedLog, isWanted: boolean): Promise<void> {
  return new Promise((resolve) => {
    const check = ({ isLeader }: { readonly isLeader: boolean }): void => {
      if (isLeader !== isWanted) return;
      stop();
      resolve();
    };
    const stop = log.onLeadership(check);
    check(log.leadership());
  });
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Every command after `afterIndex` that was committed before the call, as this log streams them. */
export async function commandsOf(log: ReplicatedLog, afterIndex = 0): Promise<string[]> {
  const last = await log.barrier();
  const commands: string[] = [];
  if (last <= afterIndex) return commands;
  for await (const item of log.committed(afterIndex)) {
    if (item.kind === 'command') commands.push(new TextDecoder().decode(item.bytes));
    if (item.index >= last) break;
  }
  return commands;
}

/** A request to etcd itself, as an operator or another program makes it. */
export async function askEtcd(url: string, path: string, body: unknown, token?: string): Promise<unknown> {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: token === undefined ? {} : { authorization: token },
  });
  const answer: unknown = await response.json();
  if (!response.ok) throw new Error(`etcd refused ${path}: ${JSON.stringify(answer)}`);
  return answer;
}

export function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
