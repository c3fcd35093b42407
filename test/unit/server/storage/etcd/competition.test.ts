import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { EtcdLog } from '../../../../../server/storage/etcd/etcd-log.ts';
import { type EtcdCluster, startEtcd } from '../../../../support/etcd.ts';
import {
  askEtcd,
  base64,
  bytesOf,
  clusterId,
  commandsOf,
  type EtcdLogTestOptions,
  freshPrefix,
  openEtcdLog,
  untilFollowing,
  untilLeading,
} from '../../../../support/etcd-logs.ts';
import { type EtcdProxy, openEtcdProxy, type ProxyRule } from '../../../../support/etcd-proxy.ts';

/** The shortest that the members under test grant. */
const shortLeaseSeconds = 1;

let etcd: EtcdCluster;
let prefix = '';
const closings: (() => Promise<void>)[] = [];

beforeAll(async () => {
  etcd = await startEtcd(1);
}, 90_000);
afterAll(() => etcd.dispose());
afterEach(async () => {
  for (const close of closings.splice(0).reverse()) await close();
});

async function open(options: Partial<EtcdLogTestOptions> = {}): Promise<EtcdLog> {
  const log = await openEtcdLog({ endpoints: etcd.endpoints, prefix, ...options });
  closings.push(() => log.close());
  return log;
}

async function openProxy(): Promise<EtcdProxy> {
  const proxy = await openEtcdProxy(etcd.endpoints[0] ?? '');
  closings.push(() => proxy.close());
  return proxy;
}

const only =
  (rule: ProxyRule, ...paths: readonly string[]) =>
  (path: string): ProxyRule =>
    paths.includes(path) ? rule : 'pass';

/** As when its lease ends. */
async function deleteLeaderKey(): Promise<void> {
  await askEtcd(etcd.endpoints[0] ?? '', '/v3/kv/deleterange', { key: base64(`${prefix}/live/leader`) });
}

describe('coordinators', () => {
  it('have one leader, whom the other names and follows', async () => {
    prefix = freshPrefix();
    const first = await open({ id: 'first' });
    await untilLeading(first);
    const second = await open({ id: 'second' });
    expect(second.leadership()).toEqual({ isLeader: false, epoch: first.leadership().epoch });
    expect(await second.propose(bytesOf('x'), { clientId: 'b', sequence: 1 })).toEqual({
      kind: 'notLeader',
      hint: 'wss://first.example',
    });
    const outcome = await first.propose(bytesOf('a'), { clientId: 'a', sequence: 1 });
    expect(await commandsOf(second)).toEqual(['a']);
    // What it sees in the log, a follower may confirm.
    expect(await second.propose(bytesOf('a'), { clientId: 'a', sequence: 1 })).toEqual(outcome);
  });

  it('change places at once when the leader is closed', async () => {
    prefix = freshPrefix();
    const first = await open();
    await untilLeading(first);
    await first.propose(bytesOf('a'), { clientId: 'a', sequence: 1 });
    const { epoch } = first.leadership();
    const second = await open({ id: 'two' });
    await first.close();
    await untilLeading(second);
    expect(second.leadership().epoch).toBeGreaterThan(epoch);
    await second.propose(bytesOf('b'), { clientId: 'b', sequence: 1 });
    expect(await commandsOf(second)).toEqual(['a', 'b']);
    // Each began with a marker of its epoch.
    const kinds: string[] = [];
    for await (const item of second.committed(0)) {
      kinds.push(`${item.kind} ${item.epoch === epoch ? 'first' : 'second'}`);
      if (kinds.length === 4) break;
    }
    expect(kinds).toEqual(['noop first', 'command first', 'noop second', 'command second']);
  });

  it('append nothing under a key that has gone, even where nobody else has appended since', async () => {
    prefix = freshPrefix();
    const proxy = await openProxy();
    const log = await open({ endpoints: [proxy.url] });
    await untilLeading(log);
    const { epoch } = log.leadership();
    proxy.rule = only('silence', '/v3/watch', '/v3/lease/keepalive', '/v3/lease/grant');
    await deleteLeaderKey();
    expect(log.leadership().isLeader).toBe(true);
    const outcome = await log.propose(bytesOf('stale'), { clientId: 'a', sequence: 1 });
    expect(outcome).toEqual({ kind: 'notLeader' });
    expect(log.leadership().isLeader).toBe(false);
    expect(await commandsOf(log)).toEqual([]);
    proxy.heal();
    await untilLeading(log);
    expect(log.leadership().epoch).toBeGreaterThan(epoch);
    expect((await log.propose(bytesOf('fresh'), { clientId: 'a', sequence: 1 })).kind).toBe('committed');
    expect(await commandsOf(log)).toEqual(['fresh']);
  });

  it('cannot both append: a leader that does not know that it was deposed is refused by the transaction', async () => {
    prefix = freshPrefix();
    const proxy = await openProxy();
    const stale = await open({ endpoints: [proxy.url], id: 'stale' });
    await untilLeading(stale);
    await stale.propose(bytesOf('a'), { clientId: 'a', sequence: 1 });
    proxy.rule = only('silence', '/v3/watch', '/v3/lease/keepalive');
    const fresh = await open({ id: 'fresh' });
    await deleteLeaderKey();
    await untilLeading(fresh);
    await fresh.propose(bytesOf('b'), { clientId: 'b', sequence: 1 });

    expect(stale.leadership().isLeader).toBe(true);
    const outcome = await stale.propose(bytesOf('stale'), { clientId: 'a', sequence: 2 });
    expect(outcome.kind).toBe('notLeader');
    expect(stale.leadership().isLeader).toBe(false);
    expect(fresh.leadership().isLeader).toBe(true);
    expect(await commandsOf(fresh)).toEqual(['a', 'b']);
    proxy.heal();
    expect(await commandsOf(stale)).toEqual(['a', 'b']);
  });

  it('change places when the leader is cut off for longer than its lease; its change is counted once', async () => {
    prefix = freshPrefix();
    const proxy = await openProxy();
    const first = await open({ endpoints: [proxy.url], leaseSeconds: shortLeaseSeconds });
    await untilLeading(first);
    const second = await open({ id: 'two', leaseSeconds: shortLeaseSeconds });
    const { epoch } = first.leadership();
    const following = untilFollowing(first);
    proxy.rule = () => 'stall';
    const lost = first.propose(bytesOf('a'), { clientId: 'a', sequence: 1 });
    await following;
    await untilLeading(second);
    expect(second.leadership().epoch).toBeGreaterThan(epoch);
    expect((await lost).kind).toBe('unknown');
    await second.propose(bytesOf('b'), { clientId: 'b', sequence: 1 });

    proxy.heal();
    expect((await second.propose(bytesOf('a'), { clientId: 'a', sequence: 1 })).kind).toBe('committed');
    expect(await commandsOf(first)).toEqual(['b', 'a']);
    await second.close();
    await untilLeading(first);
    expect(first.leadership().epoch).toBeGreaterThan(second.leadership().epoch);
  });

  it('change places when the process of the leader is stopped, which appends nothing when it goes on', async () => {
    prefix = freshPrefix();
    const moduleUrl = new URL('../../../../../server/storage/etcd/etcd-log.ts', import.meta.url).href;
    const program = `
      import { EtcdLog } from ${JSON.stringify(moduleUrl)};
      const log = await EtcdLog.open({
        endpoints: ${JSON.stringify(etcd.endpoints)}, prefix: '${prefix}', clusterId: '${clusterId}',
        leaseSeconds: ${shortLeaseSeconds}, onFatal: () => process.exit(1), onProblem: () => {},
      });
      log.onLeadership(({ isLeader }) => { if (isLeader) process.stdout.write('leading\\n'); });
      await log.join({ id: 'stopped', incarnation: '1', address: '', clientUrl: '' });
      let sequence = 0;
      process.stdin.on('data', async () => {
        sequence += 1;
        const outcome = await log.propose(new TextEncoder().encode('own ' + sequence), { clientId: 'c', sequence });
        process.stdout.write(outcome.kind + '\\n');
      });`;
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    onTestFinished(() => {
      child.kill('SIGKILL');
    });
    const nextLine = async (): Promise<string> => String((await once(child.stdout, 'data'))[0]).trim();
    expect(await nextLine()).toBe('leading');
    child.stdin.write('propose\n');
    expect(await nextLine()).toBe('committed');

    child.kill('SIGSTOP');
    const other = await open({ id: 'other', leaseSeconds: shortLeaseSeconds });
    await untilLeading(other);
    await other.propose(bytesOf('other'), { clientId: 'o', sequence: 1 });
    child.stdin.write('propose\n');
    child.kill('SIGCONT');
    expect(await nextLine()).toBe('notLeader');
    expect(await commandsOf(other)).toEqual(['own 1', 'other']);
  });
});

describe('a lost answer', () => {
  it('is asked for again, and the change is in the log once', async () => {
    prefix = freshPrefix();
    const proxy = await openProxy();
    const log = await open({ endpoints: [proxy.url] });
    await untilLeading(log);
    let losses = 3;
    proxy.rule = (path) => (path === '/v3/kv/txn' && losses-- > 0 ? 'loseAnswer' : 'pass');
    const outcomes = await Promise.all(
      ['a', 'b', 'c'].map((text, number) => log.propose(bytesOf(text), { clientId: 'a', sequence: number })),
    );
    expect(losses).toBeLessThanOrEqual(0);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['committed', 'committed', 'committed']);
    expect(await commandsOf(log)).toEqual(['a', 'b', 'c']);
  });

  it('to a campaign that was won is asked for again, and the campaign is not lost', async () => {
    prefix = freshPrefix();
    const proxy = await openProxy();
    let grants = 0;
    let losses = 0;
    proxy.rule = (path, part) => {
      if (path === '/v3/lease/grant' && part === 'request') grants += 1;
      // The key is created after the lease is granted.
      if (path !== '/v3/kv/txn' || part === 'request' || grants === 0 || losses > 0) return 'pass';
      losses += 1;
      return 'loseAnswer';
    };
    const log = await open({ endpoints: [proxy.url] });
    await untilLeading(log);
    expect(losses).toBe(1);
    expect(grants).toBe(1);
    expect((await log.propose(bytesOf('a'), { clientId: 'a', sequence: 1 })).kind).toBe('committed');
  });

  it('leaves the outcome unknown when the lease ends meanwhile, and the same proposal is then known', async () => {
    prefix = freshPrefix();
    const proxy = await openProxy();
    const log = await open({ endpoints: [proxy.url], leaseSeconds: shortLeaseSeconds });
    await untilLeading(log);
    proxy.rule = () => 'silence';
    const proposal = { clientId: 'a', sequence: 1 };
    expect((await log.propose(bytesOf('a'), proposal)).kind).toBe('unknown');
    proxy.heal();
    await untilLeading(log);
    expect((await log.propose(bytesOf('a'), proposal)).kind).toBe('committed');
    expect(await commandsOf(log)).toEqual(['a']);
  });
});
