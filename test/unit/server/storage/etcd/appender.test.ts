import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { Appender } from '../../../../../server/storage/etcd/appender.ts';
import { claimPrefix } from '../../../../../server/storage/etcd/claim.ts';
import { EtcdGateway } from '../../../../../server/storage/etcd/gateway.ts';
import {
  deleteKey,
  deleteRange,
  type JsonObject,
  put,
  readTransaction,
} from '../../../../../server/storage/etcd/gateway-messages.ts';
import { createKeys, endOf } from '../../../../../server/storage/etcd/keys.ts';
import { LogView } from '../../../../../server/storage/etcd/log-view.ts';
import { readPage } from '../../../../../server/storage/etcd/read-page.ts';
import { limits } from '../../../../../shared/base/limits.ts';
import { type EtcdCluster, startEtcd } from '../../../../support/etcd.ts';
import { freshPrefix } from '../../../../support/etcd-logs.ts';
import { openEtcdProxy } from '../../../../support/etcd-proxy.ts';

let etcd: EtcdCluster;
beforeAll(async () => {
  etcd = await startEtcd(1);
}, 90_000);
afterAll(() => etcd.dispose());

/** An appender behind a proxy, whose leader's key is there and never expires. */
async function createAppender() {
  const keys = createKeys(freshPrefix());
  const direct = new EtcdGateway(etcd.endpoints, undefined);
  await claimPrefix(direct, keys, 'cluster');
  const change = async (...success: readonly JsonObject[]): Promise<number> =>
    readTransaction(await direct.call('/v3/kv/txn', { success })).revision;
  const epoch = await change(put(keys.leader, 'this'));
  const proxy = await openEtcdProxy(etcd.endpoints[0] ?? '');
  onTestFinished(() => proxy.close());
  const view = new LogView();
  const deposed: number[] = [];
  const appender = new Appender({
    gateway: new EtcdGateway([proxy.url], undefined),
    keys,
    view,
    holds: () => true,
    onDeposed: (ended) => deposed.push(ended),
    hint: () => ({}),
    signal: new AbortController().signal,
  });
  const read = () => readPage(direct, keys, 0, {});
  /** Resolves when etcd has carried out an append whose answer is kept back. */
  const untilHead = async (index: number): Promise<void> => {
    while ((await read()).headIndex !== index) await new Promise((resolve) => setTimeout(resolve, 10));
  };
  return { keys, epoch, change, proxy, view, deposed, appender, read, untilHead };
}

describe('an append', () => {
  it('is refused where the log has another end than is believed', async () => {
    const { keys, epoch, change, appender, deposed, read } = await createAppender();
    await change(put(keys.head, '5'));
    expect(await appender.appendMarker(epoch)).toBe('refused');
    expect(deposed).toEqual([epoch]);
    expect((await read()).batches).toEqual([]);
  });

  it('is refused under another epoch', async () => {
    const { epoch, appender, deposed, read } = await createAppender();
    expect(await appender.appendMarker(epoch - 1)).toBe('refused');
    expect(deposed).toEqual([epoch - 1]);
    expect((await read()).headIndex).toBe(0);
  });

  it('whose answer was lost is found in the log, though its epoch has ended since', async () => {
    const { keys, epoch, change, proxy, view, appender, untilHead } = await createAppender();
    proxy.hold();
    const outcome = appender.appendMarker(epoch);
    await untilHead(1);
    await change(deleteKey(keys.leader));
    proxy.heal();
    expect(await outcome).toBe('committed');
    expect(view.lastIndex).toBe(1);
  });

  it('is unknown when its answer was lost and the log has been compacted beyond it since', async () => {
    const { keys, epoch, change, proxy, appender, untilHead } = await createAppender();
    proxy.hold();
    const outcome = appender.appendMarker(epoch);
    await untilHead(1);
    await change(deleteKey(keys.leader), deleteRange(keys.log, endOf(keys.log)), put(keys.head, '100'));
    proxy.heal();
    expect(await outcome).toBe('unknown');
  });

  it('takes along what was proposed meanwhile, as much as one value holds', async () => {
    const { epoch, appender, read } = await createAppender();
    appender.begin(epoch);
    const small = new Uint8Array(limits.etcdValueBytesMax / 4);
    const commands = [...Array.from({ length: 8 }, () => small), new Uint8Array(limits.commandBytesMax)];
    const outcomes = await Promise.all(
      commands.map((command, sequence) => appender.propose(command, { clientId: 'a', sequence })),
    );
    expect(outcomes.map((outcome) => outcome.kind === 'committed' && outcome.index)).toEqual(
      commands.map((_, position) => position + 1),
    );
    const { batches } = await read();
    expect(batches.map(({ batch }) => batch.length)).toEqual([1, 3, 3, 1, 1]);
    for (const { bytes } of batches) {
      expect(bytes).toBeLessThanOrEqual(limits.etcdValueBytesMax + limits.etcdKeysBytesMax);
    }
  });
});
