import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { claimEtcdCluster, type EtcdLog } from '../../../../../server/storage/etcd/etcd-log.ts';
import { limits } from '../../../../../shared/base/limits.ts';
import { type EtcdCluster, startEtcd } from '../../../../support/etcd.ts';
import {
  askEtcd,
  base64,
  bytesOf,
  clusterId,
  commandsOf,
  freshPrefix,
  openEtcdLog,
  untilLeading,
} from '../../../../support/etcd-logs.ts';

const startTimeoutMs = 90_000;

let etcd: EtcdCluster;
beforeAll(async () => {
  etcd = await startEtcd(1);
}, startTimeoutMs);
afterAll(() => etcd.dispose());

/** A log whose process would end with the error that this resolves with. */
async function openDoomed(
  prefix: string,
): Promise<{ readonly log: EtcdLog; readonly fatal: Promise<Error> }> {
  let onFatal = (_: Error): void => {};
  const fatal = new Promise<Error>((resolve) => {
    onFatal = resolve;
  });
  const log = await openEtcdLog({ endpoints: etcd.endpoints, prefix, leaseSeconds: 1, onFatal });
  onTestFinished(() => log.close());
  return { log, fatal };
}

const ask = (path: string, body: unknown) => askEtcd(etcd.endpoints[0] ?? '', path, body);

describe('a prefix', () => {
  it('of another cluster is refused, with both ids and the remedy', async () => {
    const prefix = freshPrefix();
    await (await openEtcdLog({ endpoints: etcd.endpoints, prefix })).close();
    const other = 'ab'.repeat(16);
    const refused = openEtcdLog({ endpoints: etcd.endpoints, prefix, clusterId: other });
    await expect(refused).rejects.toMatchObject({ code: 'conflict' });
    await expect(refused).rejects.toThrow(new RegExp(`${clusterId}.*${other}.*another prefix`));
  });

  it('belongs to the cluster that claims it first; others are told which that is', async () => {
    const connection = { endpoints: etcd.endpoints, prefix: freshPrefix() };
    const claims = ['01', '02', '03'].map((digits) => claimEtcdCluster(connection, digits.repeat(16)));
    const [first = '', ...others] = await Promise.all(claims);
    expect(['01', '02', '03'].map((digits) => digits.repeat(16))).toContain(first);
    expect(others).toEqual([first, first]);
    const log = await openEtcdLog({ ...connection, clusterId: first });
    expect(await log.barrier()).toBe(0);
    await log.close();
  });

  it('that another program, or another version, uses is refused', async () => {
    const prefix = freshPrefix();
    for (const value of ['{"format":2,"clusterId":"x"}', 'not ours', '']) {
      await ask('/v3/kv/put', { key: base64(`${prefix}/cluster`), value: base64(value) });
      const refused = openEtcdLog({ endpoints: etcd.endpoints, prefix });
      await expect(refused).rejects.toMatchObject({ code: 'dataFolderVersion' });
      await expect(refused).rejects.toThrow(/another prefix/);
    }
  });

  it('whose keys are deleted while it is used ends the coordinator, with the reason', async () => {
    const prefix = freshPrefix();
    const { log, fatal } = await openDoomed(prefix);
    await untilLeading(log);
    await log.propose(bytesOf('a'), { clientId: 'a', sequence: 1 });
    await ask('/v3/kv/deleterange', { key: base64(`${prefix}/`), range_end: base64(`${prefix}0`) });
    expect(await fatal).toMatchObject({ code: 'corrupted', message: expect.stringContaining(prefix) });
    expect(log.leadership().isLeader).toBe(false);
  });

  it('with a damaged or a missing entry is not gone on from', async () => {
    for (const damage of ['value', 'key']) {
      const prefix = freshPrefix();
      const log = await openEtcdLog({ endpoints: etcd.endpoints, prefix });
      await untilLeading(log);
      for (let sequence = 1; sequence <= 3; sequence++) {
        await log.propose(bytesOf('a'), { clientId: 'a', sequence });
      }
      await log.close();
      const key = base64(`${prefix}/live/log/${'2'.padStart(16, '0')}`);
      if (damage === 'key') await ask('/v3/kv/deleterange', { key });
      else await ask('/v3/kv/put', { key, value: base64('damaged') });
      const refused = openEtcdLog({ endpoints: etcd.endpoints, prefix });
      await expect(refused).rejects.toMatchObject({ code: 'corrupted' });
      await expect(refused).rejects.toThrow(/Restore etcd from a copy/);
    }
  });
});

describe('options', () => {
  it.each([
    [{ endpoints: [] }, 'etcd'],
    [{ endpoints: ['127.0.0.1:2379'] }, 'etcd'],
    [{ endpoints: ['http://user:secret@host:2379'] }, 'etcd'],
    [{ endpoints: ['http://host:2379/v3'] }, 'etcd'],
    [{ endpoints: Array.from({ length: limits.etcdEndpointsMax + 1 }, () => 'http://host:2379') }, 'etcd'],
    [{ prefix: '' }, 'etcdPrefix'],
    [{ prefix: '/' }, 'etcdPrefix'],
    [{ prefix: '/ends//' }, 'etcdPrefix'],
    [{ prefix: 'has space' }, 'etcdPrefix'],
    [{ prefix: 'x'.repeat(limits.nameCharactersMax + 1) }, 'etcdPrefix'],
    [{ leaseSeconds: 0 }, 'leaseSeconds'],
    [{ leaseSeconds: 1.5 }, 'leaseSeconds'],
    [{ id: '' }, 'id'],
    [{ id: 'has/slash' }, 'id'],
  ])('%j are refused with the field', async (options, field) => {
    const refused = openEtcdLog({ endpoints: etcd.endpoints, prefix: '/p', ...options });
    await expect(refused).rejects.toMatchObject({ code: 'badRequest', field });
  });
});

describe('an etcd with users', () => {
  let guarded: EtcdCluster;
  beforeAll(async () => {
    guarded = await startEtcd(1, ['--auth-token-ttl', '1']);
    const url = guarded.endpoints[0] ?? '';
    const users = [
      ['root', 'root'],
      ['swarm', 'swarm'],
      ['guest', 'guest'],
    ] as const;
    for (const [name, role] of users) {
      await askEtcd(url, '/v3/auth/role/add', { name: role });
      await askEtcd(url, '/v3/auth/user/add', { name, password: `${name} secret` });
      await askEtcd(url, '/v3/auth/user/grant', { user: name, role });
    }
    await askEtcd(url, '/v3/auth/role/grant', {
      name: 'swarm',
      perm: { permType: 'READWRITE', key: base64('/swarm/'), range_end: base64('/swarm0') },
    });
    await askEtcd(url, '/v3/auth/enable', {});
  }, startTimeoutMs);
  afterAll(() => guarded.dispose());

  const open = (user?: string, password = `${user} secret`) =>
    openEtcdLog({
      endpoints: guarded.endpoints,
      prefix: '/swarm',
      leaseSeconds: 1,
      ...(user === undefined ? {} : { credentials: { user, password } }),
    });

  it('asks for a user, in words', async () => {
    await expect(open()).rejects.toMatchObject({ code: 'unauthenticated' });
    await expect(open()).rejects.toThrow(/name and the password/);
  });

  it('refuses a wrong password, and a user without rights', async () => {
    await expect(open('swarm', 'wrong')).rejects.toMatchObject({ code: 'unauthenticated' });
    await expect(open('guest')).rejects.toMatchObject({ code: 'forbidden' });
    await expect(open('guest')).rejects.toThrow(/role that may read and write/);
  });

  it('serves its user, beyond the life of a token', async () => {
    const log = await open('swarm');
    onTestFinished(() => log.close());
    await untilLeading(log);
    for (let sequence = 1; sequence <= 3; sequence++) {
      const outcome = await log.propose(bytesOf(`${sequence}`), { clientId: 'a', sequence });
      expect(outcome.kind).toBe('committed');
      // Tokens that are not used for longer than their life are forgotten.
      await new Promise((resolve) => setTimeout(resolve, 1_200));
    }
    await log.compact(await log.barrier(), bytesOf('state'));
    expect(await commandsOf(log)).toEqual(['1', '2', '3']);
  });
});

describe('an etcd whose quota is used up', () => {
  /** As another program that shares this etcd does. */
  async function fill(url: string): Promise<void> {
    const value = base64('x'.repeat(1024 * 1024));
    try {
      for (let number = 0; ; number++)
        await askEtcd(url, '/v3/kv/put', { key: base64(`other/${number}`), value });
    } catch (error) {
      expect(String(error)).toContain('space exceeded');
    }
  }

  async function makeRoom(url: string): Promise<void> {
    const range = { key: base64('other/'), range_end: base64('other0') };
    const { header } = (await askEtcd(url, '/v3/kv/deleterange', range)) as { header: { revision: string } };
    await askEtcd(url, '/v3/kv/compaction', { revision: header.revision, physical: true });
    await askEtcd(url, '/v3/maintenance/defragment', {});
    const { alarms } = (await askEtcd(url, '/v3/maintenance/alarm', { action: 'GET' })) as {
      alarms: object[];
    };
    for (const alarm of alarms)
      await askEtcd(url, '/v3/maintenance/alarm', { action: 'DEACTIVATE', ...alarm });
  }

  it('refuses changes in words, and takes them again when the operator has made room', async () => {
    const small = await startEtcd(1, ['--quota-backend-bytes', String(8 * 1024 * 1024)]);
    onTestFinished(() => small.dispose());
    const url = small.endpoints[0] ?? '';
    const log = await openEtcdLog({ endpoints: small.endpoints, prefix: '/p' });
    onTestFinished(() => log.close());
    await untilLeading(log);
    await fill(url);
    const refused = log.propose(bytesOf('a'), { clientId: 'a', sequence: 1 });
    await expect(refused).rejects.toMatchObject({ code: 'unavailable' });
    await expect(refused).rejects.toThrow(/NOSPACE.*compact and defragment.*alarm disarm/);
    await makeRoom(url);
    expect((await log.propose(bytesOf('a'), { clientId: 'a', sequence: 1 })).kind).toBe('committed');
    expect(await commandsOf(log)).toEqual(['a']);
  });
});
