import { expect, it } from 'vitest';
import { sha256 } from '../../../../../server/storage/blob-store.ts';
import { GradswarmError } from '../../../../../shared/base/errors.ts';
import { asBlobHash } from '../../../../../shared/base/ids.ts';
import { limits } from '../../../../../shared/base/limits.ts';
import {
  codeOf,
  connected,
  heartbeat,
  introduce,
  patience,
  type RunningNode,
  signal,
  startNode,
} from './running-peers.ts';

async function two(): Promise<readonly [RunningNode, RunningNode]> {
  const [a, b] = [await startNode('a'), await startNode('b')];
  introduce(a, b);
  await connected(a, b);
  return [a, b];
}

/** Bytes of which no two kibibytes are alike. */
function blob(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index++) bytes[index] = index * 31 + (index >>> 10);
  return bytes;
}

it.each([0, 1, 5_000, 3 * limits.frameChunkBytesMax + 17])(
  'a blob of %i bytes goes there and back',
  async (length) => {
    const [a, b] = await two();
    const bytes = blob(length);
    const hash = sha256(bytes);
    await a.peers.storeBlob('b', hash, bytes, 3, signal());
    expect(b.blobs.list()).toEqual([hash]);
    expect(b.storedEpochs).toEqual([3]);
    expect(Buffer.compare(await a.peers.fetchBlob('b', hash, signal()), bytes)).toBe(0);
  },
);

it('bytes that are not those of the hash are not stored', async () => {
  const [a, b] = await two();
  const [bytes, other] = [blob(100), blob(101)];
  expect(await codeOf(a.peers.storeBlob('b', sha256(other), bytes, 1, signal()))).toBe('hashMismatch');
  expect(await codeOf(a.peers.storeBlob('b', asBlobHash('no hash'), bytes, 1, signal()))).toBe('badRequest');
  expect(b.blobs.list()).toEqual([]);
});

it('bytes that are not those of the hash are not handed on when they are fetched', async () => {
  const a = await startNode('a');
  const b = await startNode('b', { handlers: { readBlob: () => blob(100) } });
  introduce(a, b);
  await connected(a, b);
  expect(await codeOf(a.peers.fetchBlob('b', sha256(blob(101)), signal()))).toBe('corrupted');
});

it('a blob of a deposed leader is refused', async () => {
  const [a, b] = await two();
  const store = (epoch: number) => a.peers.storeBlob('b', sha256(blob(epoch)), blob(epoch), epoch, signal());
  await store(5);
  await store(5);
  expect(await codeOf(store(4))).toBe('staleEpoch');
  await store(6);
  expect(await codeOf(store(5))).toBe('staleEpoch');
  expect(await codeOf(store(1.5))).toBe('badRequest');
  expect(b.storedEpochs).toEqual([5, 5, 6]);
});

it('what the other store says is what the caller hears', async () => {
  const [a, b] = await two();
  const missing = sha256(blob(9));
  expect(await codeOf(a.peers.fetchBlob('b', missing, signal()))).toBe('notFound');
  const full = (): never => {
    throw new GradswarmError('unavailable', 'no room');
  };
  const c = await startNode('c', { handlers: { storeBlob: full } });
  introduce(a, b, c);
  await connected(a, c);
  await expect(a.peers.storeBlob('c', missing, blob(9), 1, signal())).rejects.toThrow('no room');
  const broken = await startNode('d', {
    handlers: {
      storeBlob: () => {
        throw new Error('defect');
      },
    },
  });
  introduce(a, broken);
  await connected(a, broken);
  expect(await codeOf(a.peers.storeBlob('d', missing, blob(9), 1, signal()))).toBe('internal');
  expect(broken.defects).toHaveLength(1);
});

it('a node that is away, gone, or unknown is unavailable, and a caller may give up', async () => {
  const [a, b] = await two();
  const hash = sha256(blob(9));
  expect(await codeOf(a.peers.fetchBlob('z', hash, signal()))).toBe('unavailable');
  expect(await codeOf(a.peers.fetchBlob('b', hash, AbortSignal.abort()))).toBe('cancelled');
  await b.close();
  await expect.poll(() => a.peers.describe('b')?.isConnected, patience).toBe(false);
  expect(await codeOf(a.peers.storeBlob('b', hash, blob(9), 1, signal()))).toBe('unavailable');
  const controller = new AbortController();
  const given = codeOf(a.peers.storeBlob('b', hash, blob(9), 1, controller.signal));
  controller.abort();
  expect(await given).toBe('cancelled');
});

it('a node that dies while a blob is on its way is unavailable', async () => {
  const a = await startNode('a');
  const b: RunningNode = await startNode('b', {
    handlers: {
      readBlob() {
        void b.close();
        return blob(8 * limits.frameChunkBytesMax);
      },
    },
  });
  introduce(a, b);
  await connected(a, b);
  expect(await codeOf(a.peers.fetchBlob('b', sha256(blob(9)), signal()))).toBe('unavailable');
});

it('many blobs at once all arrive, a few at a time', async () => {
  const [a, b] = await two();
  const blobs = Array.from({ length: 40 }, (_, index) => blob(10_000 + index));
  await Promise.all(blobs.map((bytes) => a.peers.storeBlob('b', sha256(bytes), bytes, 1, signal())));
  expect(b.blobs.list()).toEqual(blobs.map(sha256).sort());
  const waiting = limits.peerBlobCallsMax + limits.peerBlobCallsWaitingMax;
  const codes = await Promise.all(
    Array.from({ length: waiting + 5 }, () => codeOf(a.peers.fetchBlob('b', sha256(blob(10_000)), signal()))),
  );
  expect(codes.filter((code) => code === 'unavailable')).toHaveLength(5);
  expect(codes.filter((code) => code === 'undefined')).toHaveLength(waiting);
});

it('heartbeats pass while large blobs are on their way', async () => {
  const [a, b] = await two();
  const bytes = blob(48 * limits.frameChunkBytesMax);
  const hash = sha256(bytes);
  let isStored = false;
  const stored = a.peers.storeBlob('b', hash, bytes, 1, signal()).then(() => {
    isStored = true;
  });
  // Each is sent when the one before has arrived.
  let passed = 0;
  while (!isStored) {
    passed += 1;
    a.peers.send(heartbeat('a', 'b', passed));
    await expect.poll(() => b.received.length, patience).toBe(passed);
  }
  await stored;
  expect(passed).toBeGreaterThan(3);
  expect(b.blobs.has(hash)).toBe(true);
});

it('chunks of a snapshot arrive whole, and only in their own way', async () => {
  const [a, b] = await two();
  const bytes = blob(1_000_000);
  const configuration = {
    voters: ['a', 'b'],
    outgoing: [],
    learners: [],
    learnersNext: [],
    addresses: { a: 'h:1' },
  };
  const meta = { index: 7, term: 2, configuration, totalBytes: 9_000_000, sha256: sha256(bytes) };
  const chunk = { from: 'a', to: 'b', term: 2, kind: 'snapshotChunk', meta, offset: 5, bytes } as const;
  await expect
    .poll(() => {
      if (b.received.length === 0) a.peers.send(chunk);
      return b.received.length;
    }, patience)
    .toBeGreaterThan(0);
  const [received] = b.received;
  expect(received).toMatchObject({
    from: 'a',
    to: 'b',
    kind: 'snapshotChunk',
    offset: 5,
    meta: { index: 7, sha256: meta.sha256 },
  });
  expect(received?.kind === 'snapshotChunk' && Buffer.compare(received.bytes, bytes)).toBe(0);
  // Far more than may be on their way at once: dropped, as Raft repeats them.
  for (let time = 0; time < 200; time++) a.peers.send(chunk);
  a.peers.send(heartbeat('a', 'b', 3));
  await expect.poll(() => b.received.some(({ kind }) => kind === 'heartbeat'), patience).toBe(true);
  expect(b.received.length).toBeLessThan(60);
});
