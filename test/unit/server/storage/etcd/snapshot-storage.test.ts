import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { EtcdGateway } from '../../../../../server/storage/etcd/gateway.ts';
import {
  getRange,
  type JsonObject,
  put,
  readTransaction,
} from '../../../../../server/storage/etcd/gateway-messages.ts';
import { createKeys, endOf, padIndex } from '../../../../../server/storage/etcd/keys.ts';
import { decodeReference, encodeReference } from '../../../../../server/storage/etcd/snapshot-reference.ts';
import { SnapshotStorage } from '../../../../../server/storage/etcd/snapshot-storage.ts';
import { limits } from '../../../../../shared/base/limits.ts';
import { type EtcdCluster, startEtcd } from '../../../../support/etcd.ts';
import {
  askEtcd,
  base64,
  bytesOf,
  freshPrefix,
  openEtcdLog,
  untilLeading,
} from '../../../../support/etcd-logs.ts';

let etcd: EtcdCluster;
beforeAll(async () => {
  etcd = await startEtcd(1);
}, 90_000);
afterAll(() => etcd.dispose());

/** Storage of a leader, whose key is there and never expires. */
async function createStorage() {
  const keys = createKeys(freshPrefix());
  const gateway = new EtcdGateway(etcd.endpoints, undefined);
  const change = async (...success: readonly JsonObject[]) =>
    readTransaction(await gateway.call('/v3/kv/txn', { success }));
  const { revision: epoch } = await change(put(keys.leader, 'this'));
  const keysBelow = async (folder: string): Promise<string[]> => {
    const { ranges } = await change(getRange(folder, endOf(folder), 1_000));
    return (ranges[0]?.pairs ?? []).map(({ key }) => key.slice(folder.length));
  };
  const storage = new SnapshotStorage(gateway, keys, new AbortController().signal);
  return { keys, epoch, change, keysBelow, storage };
}

/** No session, and a state of so many bytes. */
const content = (index: number, length: number, firstIndex = 1) => ({
  index,
  epoch: 7,
  firstIndex,
  sessionsIndex: index,
  sessions: bytesOf('[]'),
  state: new Uint8Array(length).map((_, position) => (position + index) % 251),
});

describe('a snapshot in etcd', () => {
  it.each([0, 1, limits.etcdValueBytesMax, limits.etcdValueBytesMax + 1])(
    'of %i bytes is read as it was stored',
    async (length) => {
      const { epoch, storage } = await createStorage();
      const stored = content(3, length);
      const reference = (await storage.store(stored, epoch))?.reference;
      if (!reference) throw new Error('it was not stored');
      expect(decodeReference('key', Buffer.from(encodeReference(reference)))).toEqual(reference);
      const state = await storage.readState(reference);
      expect(state && Buffer.compare(state, stored.state)).toBe(0);
      expect((await storage.readSessions(reference))?.find({ clientId: 'a', sequence: 1 })).toBe('new');
    },
  );

  it('takes the place of the entries it stands for and of every other snapshot, whole or not', async () => {
    const { keys, epoch, change, keysBelow, storage } = await createStorage();
    for (let index = 1; index <= 6; index++) await change(put(`${keys.log}${padIndex(index)}`, 'entries'));
    const older = await storage.store(content(3, 10), epoch);
    for (const leftover of [padIndex(1), padIndex(epoch + 1)]) {
      await change(put(`${keys.snapshots}${leftover}-${padIndex(9)}-1/state/${padIndex(0)}`, 'unfinished'));
    }
    const newer = await storage.store(content(5, 10, 4), epoch);
    expect(await keysBelow(keys.log)).toEqual([4, 5, 6].map(padIndex));
    const folder = newer?.reference.folder.slice(keys.snapshots.length);
    expect(await keysBelow(keys.snapshots)).toEqual(
      ['sessions', 'state'].map((part) => `${folder}${part}/${padIndex(0)}`),
    );
    if (!older) throw new Error('it was not stored');
    expect(await storage.readState(older.reference)).toBeUndefined();
    expect(await storage.readSessions(older.reference)).toBeUndefined();
  });

  it('is not stored, in no part, when the epoch has ended', async () => {
    const { keys, epoch, change, keysBelow, storage } = await createStorage();
    await change(put(`${keys.log}${padIndex(1)}`, 'entries'));
    expect(await storage.store(content(3, 10, 4), epoch - 1)).toBeUndefined();
    expect(await keysBelow(keys.snapshots)).toEqual([]);
    expect(await keysBelow(keys.log)).toEqual([padIndex(1)]);
  });

  it('that was damaged is not used', async () => {
    const { epoch, change, storage } = await createStorage();
    const reference = (await storage.store(content(3, 10), epoch))?.reference;
    if (!reference) throw new Error('it was not stored');
    await change(put(`${reference.folder}state/${padIndex(0)}`, '0123456789'));
    await expect(storage.readState(reference)).rejects.toMatchObject({ code: 'corrupted' });
    await change(put(`${reference.folder}sessions/${padIndex(0)}`, '[]longer'));
    await expect(storage.readSessions(reference)).rejects.toThrow(/SHA-256/);
  });

  it('has a limit', async () => {
    const { keys, epoch, keysBelow, storage } = await createStorage();
    const state = new Uint8Array(limits.etcdSnapshotBytesMax);
    await expect(storage.store({ ...content(3, 0), state }, epoch)).rejects.toMatchObject({
      code: 'tooLarge',
    });
    expect(await keysBelow(keys.snapshots)).toEqual([]);
  });

  it.each(['', '{}', 'null', '{"index":0}', '[1]'])('is described by more than %j', (text) => {
    expect(() => decodeReference('the key', Buffer.from(text))).toThrow(
      expect.objectContaining({ code: 'corrupted', message: expect.stringContaining('the key') }),
    );
  });
});

describe('the history of etcd', () => {
  it('is dropped up to the snapshot before the last', async () => {
    const log = await openEtcdLog({ endpoints: etcd.endpoints, prefix: freshPrefix() });
    onTestFinished(() => log.close());
    await untilLeading(log);
    const revisions: string[] = [];
    const readAt = (revision: string | undefined) =>
      askEtcd(etcd.endpoints[0] ?? '', '/v3/kv/range', { key: base64('x'), revision });
    for (let sequence = 1; sequence <= 3; sequence++) {
      await log.propose(bytesOf('a'), { clientId: 'a', sequence });
      const { header } = (await readAt('0')) as { header: { revision: string } };
      revisions.push(header.revision);
      await log.compact(await log.barrier(), bytesOf('state'));
    }
    await expect(readAt(revisions[0])).rejects.toThrow(/compacted/);
    await expect(readAt(revisions[1])).rejects.toThrow(/compacted/);
    await expect(readAt(revisions[2])).resolves.toBeDefined();
  });
});
