import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { asBatch, encodeBatch } from '../../../../../server/storage/etcd/batch.ts';
import { claimPrefix } from '../../../../../server/storage/etcd/claim.ts';
import { Feed } from '../../../../../server/storage/etcd/feed.ts';
import { EtcdGateway } from '../../../../../server/storage/etcd/gateway.ts';
import { put, readTransaction } from '../../../../../server/storage/etcd/gateway-messages.ts';
import { createKeys, padIndex } from '../../../../../server/storage/etcd/keys.ts';
import { LogView } from '../../../../../server/storage/etcd/log-view.ts';
import { Roster } from '../../../../../server/storage/etcd/roster.ts';
import { SnapshotStorage } from '../../../../../server/storage/etcd/snapshot-storage.ts';
import { type EtcdCluster, startEtcd } from '../../../../support/etcd.ts';
import { freshPrefix } from '../../../../support/etcd-logs.ts';
import { type EtcdProxy, openEtcdProxy } from '../../../../support/etcd-proxy.ts';

let etcd: EtcdCluster;
beforeAll(async () => {
  etcd = await startEtcd(1);
}, 90_000);
afterAll(() => etcd.dispose());

/** A feed that reads through a proxy, and a way to append beside it. */
async function createFeed() {
  const keys = createKeys(freshPrefix());
  const direct = new EtcdGateway(etcd.endpoints, undefined);
  await claimPrefix(direct, keys, 'cluster');
  const proxy: EtcdProxy = await openEtcdProxy(etcd.endpoints[0] ?? '');
  onTestFinished(() => proxy.close());
  const gateway = new EtcdGateway([proxy.url], undefined);
  const view = new LogView();
  const { signal } = new AbortController();
  const snapshots = new SnapshotStorage(gateway, keys, signal);
  const onFailure = (error: unknown): void => {
    throw error;
  };
  const feed = new Feed({ gateway, keys, view, roster: new Roster(), snapshots, signal, onFailure });
  const append = async (index: number) => {
    const batch = asBatch([{ kind: 'noop', index, epoch: 1 }]);
    const value = encodeBatch(batch);
    const success = [put(`${keys.log}${padIndex(index)}`, value), put(keys.head, String(index))];
    const { revision } = readTransaction(await direct.call('/v3/kv/txn', { success }));
    return { batch, bytes: value.length, revision };
  };
  const setHead = async (index: number) => {
    await direct.call('/v3/kv/txn', { success: [put(keys.head, String(index))] });
  };
  return { feed, view, proxy, append, setHead };
}

describe('what is read while the watch goes on', () => {
  it('may be older than what the watch told meanwhile', async () => {
    const { feed, view, proxy, append } = await createFeed();
    const first = await append(1);
    const release = proxy.hold();
    const loading = feed.load();
    // The answer is under way, and does not know of what comes now.
    await new Promise((resolve) => setTimeout(resolve, 300));
    const second = await append(2);
    for (const { batch, bytes, revision } of [first, second]) {
      view.noteRevision(revision);
      view.accept(batch, bytes);
    }
    release();
    expect(await loading).toBe(first.revision);
    expect(view.lastIndex).toBe(2);
  });

  it('is never older than what was known before: an answer from the past is asked for again', async () => {
    const { feed, view, append } = await createFeed();
    const { revision } = await append(1);
    view.noteRevision(revision + 1);
    const loading = feed.load();
    await append(2);
    expect(await loading).toBeGreaterThan(revision);
    expect(view.lastIndex).toBe(2);
  });

  it('tells when etcd lost what it had', async () => {
    const { feed, view, append, setHead } = await createFeed();
    await append(1);
    await feed.load();
    await setHead(0);
    await expect(feed.load()).rejects.toMatchObject({
      code: 'corrupted',
      message: expect.stringMatching(/restored/),
    });
    expect(view.lastIndex).toBe(1);
    await setHead(2);
    await expect(feed.load()).rejects.toMatchObject({
      code: 'corrupted',
      message: expect.stringMatching(/Entry 2/),
    });
  });

  it('fails in the end when all answers are from the past', async () => {
    const { feed, view, append } = await createFeed();
    const { revision } = await append(1);
    view.noteRevision(revision + 1_000_000);
    await expect(feed.load()).rejects.toMatchObject({ code: 'corrupted' });
  });
});
