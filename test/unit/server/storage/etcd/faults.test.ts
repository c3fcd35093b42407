import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { LogItem } from '../../../../../server/runtime/ports.ts';
import type { EtcdLog } from '../../../../../server/storage/etcd/etcd-log.ts';
import { type EtcdCluster, startEtcd } from '../../../../support/etcd.ts';
import {
  askEtcd,
  bytesOf,
  commandsOf,
  type EtcdLogTestOptions,
  freshPrefix,
  openEtcdLog,
  untilLeading,
} from '../../../../support/etcd-logs.ts';
import { openEtcdProxy } from '../../../../support/etcd-proxy.ts';

let etcd: EtcdCluster;
let prefix = '';
const closings: (() => Promise<void>)[] = [];

beforeAll(async () => {
  etcd = await startEtcd(3);
}, 90_000);
afterAll(() => etcd.dispose());
afterEach(async () => {
  for (const close of closings.splice(0).reverse()) await close();
  await etcd.ready();
});

async function open(options: Partial<EtcdLogTestOptions> = {}): Promise<EtcdLog> {
  const log = await openEtcdLog({ endpoints: etcd.endpoints, prefix, ...options });
  closings.push(() => log.close());
  return log;
}

interface Load {
  readonly acknowledged: readonly string[];
  /** Resolves when so many were acknowledged. */
  until(count: number): Promise<void>;
  stop(): Promise<void>;
}

/** Clients that propose one command after the other, and ask again for as long as they are not told `committed`. */
function startLoad(log: EtcdLog, clients: number): Load {
  let isRunning = true;
  const acknowledged: string[] = [];
  const propose = async (text: string, clientId: string, sequence: number): Promise<void> => {
    while ((await log.propose(bytesOf(text), { clientId, sequence })).kind !== 'committed') {
      await untilLeading(log);
    }
    acknowledged.push(text);
  };
  const work = Array.from({ length: clients }, async (_, client) => {
    for (let sequence = 1; isRunning; sequence++) {
      await propose(`${client}/${sequence}`, `client ${client}`, sequence);
    }
  });
  return {
    acknowledged,
    async until(count) {
      while (acknowledged.length < count) await new Promise((resolve) => setTimeout(resolve, 5));
    },
    async stop() {
      isRunning = false;
      await Promise.all(work);
    },
  };
}

/** Under load, does `harm`, then goes on, and compares what was acknowledged with what is in the log. */
async function expectNothingLostOrDoubled(harm: (load: Load) => Promise<void>): Promise<void> {
  prefix = freshPrefix();
  const log = await open();
  await untilLeading(log);
  const load = startLoad(log, 8);
  await load.until(100);
  await harm(load);
  await load.until(load.acknowledged.length + 100);
  await load.stop();
  const commands = await commandsOf(log);
  expect(new Set(commands).size).toBe(commands.length);
  expect([...commands].sort()).toEqual([...load.acknowledged].sort());
}

describe('under load, nothing is lost and nothing doubled when', () => {
  it('each of three members of etcd is killed in turn, the leader of etcd among them, and comes back', async () => {
    await expectNothingLostOrDoubled(async (load) => {
      for (const node of etcd.nodes) {
        await node.kill();
        await load.until(load.acknowledged.length + 50);
        node.start();
        await etcd.ready();
      }
    });
  });

  it('the member that is asked is stopped, and goes on later', async () => {
    const [first] = etcd.nodes;
    await expectNothingLostOrDoubled(async () => {
      first?.signal('SIGSTOP');
      closings.push(async () => first?.signal('SIGCONT'));
    });
  });

  it('all members are killed and start again', async () => {
    await expectNothingLostOrDoubled(async () => {
      await Promise.all(etcd.nodes.map((node) => node.kill()));
      for (const node of etcd.nodes) node.start();
    });
  });
});

describe('a follower', () => {
  /** Commands of `leader`, `count` of them. */
  async function append(leader: EtcdLog, count: number, clientId: string): Promise<void> {
    for (let sequence = 1; sequence <= count; sequence++) {
      await leader.propose(bytesOf(`${clientId} ${sequence}`), { clientId, sequence });
    }
  }

  it('reads on where etcd has dropped the history that it was watching', async () => {
    prefix = freshPrefix();
    const leader = await open();
    await untilLeading(leader);
    const proxy = await openEtcdProxy(etcd.endpoints[1] ?? '');
    closings.push(() => proxy.close());
    const follower = await open({ id: 'two', endpoints: [proxy.url] });
    const stream = follower.committed(0)[Symbol.asyncIterator]();
    await append(leader, 10, 'before');
    expect(await commandsOf(follower)).toHaveLength(10);
    proxy.rule = () => 'stall';
    await append(leader, 30, 'after');
    const head = (await askEtcd(etcd.endpoints[0] ?? '', '/v3/kv/range', { key: 'eA==' })) as {
      header: { revision: string };
    };
    await askEtcd(etcd.endpoints[0] ?? '', '/v3/kv/compaction', { revision: head.header.revision });
    proxy.heal();
    const last = await leader.barrier();
    const items: LogItem[] = [];
    while ((items.at(-1)?.index ?? 0) < last) items.push((await stream.next()).value);
    expect(items.map(({ index }) => index)).toEqual(Array.from({ length: last }, (_, index) => index + 1));
    await stream.return?.();
  });

  it('goes on from the snapshot when the log was compacted beyond it, and knows its proposals', async () => {
    prefix = freshPrefix();
    const options = { trailingEntries: 4 };
    const leader = await open(options);
    await untilLeading(leader);
    const proxy = await openEtcdProxy(etcd.endpoints[1] ?? '');
    closings.push(() => proxy.close());
    const follower = await open({ ...options, id: 'two', endpoints: [proxy.url] });
    const stream = follower.committed(await follower.barrier())[Symbol.asyncIterator]();
    proxy.rule = () => 'stall';
    await append(leader, 20, 'a');
    // Larger than one value, so that it is stored in pieces.
    const state = new Uint8Array(2_500_000).map((_, position) => position % 251);
    const index = await leader.barrier();
    await leader.compact(index, state);
    await append(leader, 3, 'b');
    proxy.heal();

    const { value } = await stream.next();
    expect(value).toMatchObject({ kind: 'snapshot', index });
    expect(Buffer.compare((value as { bytes: Uint8Array }).bytes, state)).toBe(0);
    await stream.return?.();
    expect(await commandsOf(follower, index)).toEqual(['b 1', 'b 2', 'b 3']);
    await leader.close();
    await untilLeading(follower);
    const again = await follower.propose(bytesOf('a 20'), { clientId: 'a', sequence: 20 });
    expect(again).toMatchObject({ kind: 'committed', index });
  });

  it('hears of what is committed when its watch falls silent, and then watches another member', async () => {
    prefix = freshPrefix();
    const leader = await open();
    await untilLeading(leader);
    const [silent, other] = await Promise.all(etcd.endpoints.slice(1).map(openEtcdProxy));
    if (!silent || !other) throw new Error('there are three members');
    closings.push(() => silent.close());
    closings.push(() => other.close());
    const follower = await open({ id: 'two', endpoints: [silent.url, other.url], leaseSeconds: 1 });
    const stream = follower.committed(await follower.barrier())[Symbol.asyncIterator]();
    let hasMoved = false;
    silent.rule = (path) => (path === '/v3/watch' ? 'silence' : 'pass');
    other.rule = (path) => {
      hasMoved ||= path === '/v3/watch';
      return 'pass';
    };
    for (let sequence = 1; !hasMoved; sequence++) {
      await leader.propose(bytesOf(`x ${sequence}`), { clientId: 'x', sequence });
      const { value } = await stream.next();
      expect(new TextDecoder().decode((value as { bytes: Uint8Array }).bytes)).toBe(`x ${sequence}`);
    }
    await stream.return?.();
  });
});
