import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { EtcdLog } from '../../../../../server/storage/etcd/etcd-log.ts';
import { type EtcdCluster, startEtcd } from '../../../../support/etcd.ts';
import {
  bytesOf,
  commandsOf,
  freshPrefix,
  memberNamed,
  openEtcdLog,
  untilFollowing,
  untilLeading,
} from '../../../../support/etcd-logs.ts';

let etcd: EtcdCluster;
beforeAll(async () => {
  etcd = await startEtcd(1);
}, 90_000);
afterAll(() => etcd.dispose());

/** Logs of one cluster, in the order of `ids`; the first leads. */
async function openAll(...ids: readonly string[]): Promise<EtcdLog[]> {
  const prefix = freshPrefix();
  const logs: EtcdLog[] = [];
  for (const id of ids) {
    const log = await openEtcdLog({ endpoints: etcd.endpoints, prefix, id });
    onTestFinished(() => log.close());
    if (logs.length === 0) await untilLeading(log);
    logs.push(log);
  }
  return logs;
}

/** Resolves when the status fulfils the condition. */
async function until(
  log: EtcdLog,
  condition: (status: ReturnType<EtcdLog['status']>) => boolean,
): Promise<void> {
  if (condition(log.status())) return;
  await new Promise<void>((resolve) => {
    const stop = log.onStatus(() => {
      if (!condition(log.status())) return;
      stop();
      resolve();
    });
  });
}

const idsOf = (log: EtcdLog): string[] =>
  log
    .status()
    .members.map(({ id }) => id)
    .sort();

describe('coordinators on etcd', () => {
  it('find one another, and know who leads', async () => {
    const [a, b, c] = (await openAll('a', 'b', 'c')) as [EtcdLog, EtcdLog, EtcdLog];
    for (const log of [a, b, c]) {
      await until(log, ({ members, leaderId }) => members.length === 3 && leaderId === 'a');
      expect(idsOf(log)).toEqual(['a', 'b', 'c']);
      expect(log.status().epoch).toBe(a.leadership().epoch);
    }
    expect(b.status().members).toContainEqual(memberNamed('c'));
    await c.join({ ...memberNamed('c'), clientUrl: 'wss://moved.example' });
    await until(a, ({ members }) => members.some(({ clientUrl }) => clientUrl === 'wss://moved.example'));
  });

  it('do not share a name', async () => {
    const [a] = (await openAll('a')) as [EtcdLog];
    const again = a.join({ ...memberNamed('a'), incarnation: 'another folder' });
    await expect(again).rejects.toMatchObject({ code: 'conflict', field: 'id' });
    await expect(again).rejects.toThrow(/another data folder.*cluster remove a/);
    await a.removeMember('a');
    await a.join({ ...memberNamed('a'), incarnation: 'another folder' });
    expect(idsOf(a)).toEqual(['a']);
  });

  it('that are removed lead no longer, and do not come back by themselves', async () => {
    const [a, b] = (await openAll('a', 'b')) as [EtcdLog, EtcdLog];
    await a.propose(bytesOf('by a'), { clientId: 'a', sequence: 1 });
    await b.removeMember('a');
    await untilFollowing(a);
    await untilLeading(b);
    await b.propose(bytesOf('by b'), { clientId: 'b', sequence: 1 });
    expect(await commandsOf(a)).toEqual(['by a', 'by b']);
    await b.close();
    await until(a, ({ leaderId }) => leaderId === undefined);
    expect(a.leadership().isLeader).toBe(false);
    await expect(a.removeMember('nobody')).rejects.toMatchObject({ code: 'notFound', field: 'id' });
  });

  it('hand the leadership to the one that is named', async () => {
    const [a, b, c] = (await openAll('a', 'b', 'c')) as [EtcdLog, EtcdLog, EtcdLog];
    for (const log of [a, b]) await until(log, ({ members }) => members.length === 3);
    await expect(b.transferLeadership('c')).rejects.toMatchObject({ code: 'conflict' });
    await expect(a.transferLeadership('nobody')).rejects.toMatchObject({ code: 'notFound', field: 'to' });
    await a.transferLeadership('a');
    expect(a.leadership().isLeader).toBe(true);
    const logs = { a, b, c };
    let leader = a;
    for (const to of ['c', 'b', 'a', 'b', 'c'] as const) {
      const { epoch } = leader.leadership();
      await leader.transferLeadership(to);
      expect(leader.status().leaderId).toBe(to);
      leader = logs[to];
      await untilLeading(leader);
      expect(leader.leadership().epoch).toBeGreaterThan(epoch);
    }
    await until(b, ({ leaderId }) => leaderId === 'c');
    expect((await b.propose(bytesOf('x'), { clientId: 'x', sequence: 1 })).kind).toBe('notLeader');
  });

  it('lead again when the successor does not come', async () => {
    const prefix = freshPrefix();
    const options = { endpoints: etcd.endpoints, prefix, leaseSeconds: 1 };
    const a = await openEtcdLog({ ...options, id: 'a' });
    onTestFinished(() => a.close());
    await untilLeading(a);
    await (await openEtcdLog({ ...options, id: 'gone' })).close();
    await until(a, ({ members }) => members.length === 2);
    await expect(a.transferLeadership('gone')).rejects.toMatchObject({ code: 'unavailable' });
    await untilLeading(a);
  });
});
