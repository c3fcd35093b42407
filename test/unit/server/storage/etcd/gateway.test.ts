import { createServer, type RequestListener } from 'node:http';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { claimPrefix } from '../../../../../server/storage/etcd/claim.ts';
import { EtcdGateway } from '../../../../../server/storage/etcd/gateway.ts';
import {
  compareCreateRevision,
  put,
  readTransaction,
  type WatchAnswer,
  watchRange,
} from '../../../../../server/storage/etcd/gateway-messages.ts';
import { createKeys } from '../../../../../server/storage/etcd/keys.ts';
import { type EtcdCluster, startEtcd } from '../../../../support/etcd.ts';
import { askEtcd } from '../../../../support/etcd-logs.ts';
import { openEtcdProxy } from '../../../../support/etcd-proxy.ts';
import { freePort } from '../../../../support/free-port.ts';

let etcd: EtcdCluster;
/** Where nothing listens. */
let nowhere = '';
beforeAll(async () => {
  etcd = await startEtcd(1);
  nowhere = `http://127.0.0.1:${await freePort()}`;
}, 90_000);
afterAll(() => etcd.dispose());

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return `http://127.0.0.1:${address.port}`;
}

const answering =
  (status: number, body: string): RequestListener =>
  (_, response) => {
    response.writeHead(status).end(body);
  };

const version = (gateway: EtcdGateway) => gateway.call('/version', undefined, { timeoutMs: 500 });

describe('a call', () => {
  it('goes on to the next member when one is gone, silent or failing, and stays with the one that answers', async () => {
    const silent = await openEtcdProxy(etcd.endpoints[0] ?? '');
    onTestFinished(() => silent.close());
    silent.rule = () => 'stall';
    const failing = await serve(answering(503, 'busy'));
    const gateway = new EtcdGateway([nowhere, silent.url, failing, ...etcd.endpoints], undefined);
    expect(await version(gateway)).toHaveProperty('etcdserver');
    expect(gateway.endpoint).toBe(etcd.endpoints[0]);
  });

  it('names every member that it asked, and why each did not answer', async () => {
    const failing = await serve(answering(503, 'busy'));
    const gateway = new EtcdGateway([nowhere, failing], undefined);
    const refused = version(gateway);
    await expect(refused).rejects.toMatchObject({ reason: 'unreachable', code: 'unavailable' });
    await expect(refused).rejects.toThrow(`${nowhere}: nothing listens there`);
    await expect(refused).rejects.toThrow(`${failing} answered: HTTP 503`);
  });

  it('ends at once when it is aborted', async () => {
    const silent = await serve(() => {});
    const gateway = new EtcdGateway([silent], undefined);
    const closing = new AbortController();
    const refused = gateway.call('/version', undefined, { signal: closing.signal });
    closing.abort();
    await expect(refused).rejects.toMatchObject({ reason: 'unreachable' });
  });

  it('does not read an answer without end', async () => {
    const endless = await serve((_, response) => {
      const write = (): void => {
        while (!response.destroyed && response.write('x'.repeat(1 << 20)));
        if (!response.destroyed) response.once('drain', write);
      };
      write();
    });
    const gateway = new EtcdGateway([endless], undefined);
    await expect(gateway.call('/version', undefined, { timeoutMs: 60_000 })).rejects.toThrow(/more than/);
  });
});

describe('the claim of a prefix', () => {
  const keys = createKeys('/p');

  it('waits a while for an etcd that is about to start, then says where it looked and what to do', async () => {
    const refused = claimPrefix(new EtcdGateway([nowhere], undefined), keys, 'a', 300);
    await expect(refused).rejects.toMatchObject({ code: 'unavailable' });
    await expect(refused).rejects.toThrow(
      `etcd cannot be reached (${nowhere}: nothing listens there; ${nowhere}: nothing listens there). Start etcd, or`,
    );
  });

  it.each(['3.3.27', '2.3.8'])('refuses etcd %s', async (etcdserver) => {
    const old = await serve(answering(200, JSON.stringify({ etcdserver })));
    const refused = claimPrefix(new EtcdGateway([old], undefined), keys, 'a', 300);
    await expect(refused).rejects.toMatchObject({ code: 'unsupportedProtocol' });
    await expect(refused).rejects.toThrow(new RegExp(`version ${etcdserver}.*3\\.4 or newer`));
  });

  it.each([
    [200, '<html>'],
    [200, '{}'],
    [404, '<html>'],
  ])('refuses what is no etcd: %i %s', async (status, body) => {
    const other = await serve(answering(status, body));
    const refused = claimPrefix(new EtcdGateway([other], undefined), keys, 'a', 300);
    await expect(refused).rejects.toThrow(/Correct the address of etcd/);
  });
});

describe('a watch', () => {
  it('tells of every change from its first revision on, and ends when it is aborted', async () => {
    const gateway = new EtcdGateway(etcd.endpoints, undefined);
    const key = '/watched/a';
    const request = { compare: [compareCreateRevision(key, 0)], success: [put(key, 'first')] };
    const { revision } = readTransaction(await gateway.call('/v3/kv/txn', request));
    await gateway.call('/v3/kv/txn', { success: [put(key, 'second')] });
    const closing = new AbortController();
    const values: string[] = [];
    for await (const { events } of gateway.watch(
      watchRange('/watched/', '/watched0', revision),
      closing.signal,
    )) {
      for (const { pair } of events) values.push(new TextDecoder().decode(pair.value));
      if (values.length === 2) break;
    }
    expect(values).toEqual(['first', 'second']);

    const watch = gateway.watch(watchRange('/watched/', '/watched0', revision + 2), closing.signal);
    await watch.next();
    const next = watch.next();
    closing.abort();
    await expect(next).rejects.toMatchObject({ reason: 'unreachable' });
  });

  it('says when its history is no longer kept', async () => {
    const gateway = new EtcdGateway(etcd.endpoints, undefined);
    for (const value of ['a', 'b', 'c'])
      await gateway.call('/v3/kv/txn', { success: [put('/watched/b', value)] });
    const { revision } = readTransaction(
      await gateway.call('/v3/kv/txn', { success: [put('/watched/b', 'd')] }),
    );
    await askEtcd(etcd.endpoints[0] ?? '', '/v3/kv/compaction', { revision: String(revision) });
    const answers: WatchAnswer[] = [];
    for await (const answer of gateway.watch(
      watchRange('/watched/', '/watched0', 1),
      new AbortController().signal,
    )) {
      answers.push(answer);
      if (answer.isCompacted) break;
    }
    expect(answers.at(-1)).toMatchObject({ isCompacted: true, isCancelled: true });
  });
});
