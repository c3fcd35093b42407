import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { ClusterConfiguration } from '../../../../server/raft/cluster-configuration.ts';
import type { Entry } from '../../../../server/raft/entry.ts';
import type { Snapshot } from '../../../../server/raft/raft.ts';
import type { Persist, RaftStorage } from '../../../../server/runtime/raft/raft-storage.ts';
import {
  decodeSnapshotBlob,
  encodeSnapshotBlob,
  hashSnapshot,
} from '../../../../server/runtime/raft/snapshot-blob.ts';
import { SimulatedDisk } from '../../../../server/storage/disk/simulated-disk.ts';
import { openRaftStorage } from '../../../../server/storage/raft-storage.ts';
import { SegmentLog } from '../../../../server/storage/segment-log/segment-log.ts';

const clusterId = '0f'.repeat(16);
const voters = { a: 'host-a:1', b: 'host-b:1', c: 'host-c:1' };

const bytes = (text: string) => new TextEncoder().encode(text);

function open(disk: SimulatedDisk, overrides: Partial<Parameters<typeof openRaftStorage>[0]> = {}) {
  return openRaftStorage({
    disk,
    folder: 'data',
    clusterId,
    nodeId: 'a',
    initialVoters: voters,
    segmentBytes: 2_048,
    onFatal: () => {},
    ...overrides,
  });
}

function command(index: number, term = 1): Entry {
  const proposal = { clientId: 'client', sequence: index };
  return { index, term, body: { kind: 'command', proposal, bytes: bytes(`value ${index}`) } };
}

function configuration(names: string): ClusterConfiguration {
  const addresses = Object.fromEntries([...names].map((id) => [id, `host-${id}:1`]));
  return { voters: [...names], outgoing: [], learners: [], learnersNext: [], addresses };
}

function snapshot(index: number, term: number, names = 'abc'): Snapshot {
  const blob = encodeSnapshotBlob({ sessions: bytes('[]'), state: bytes(`state at ${index}`) });
  const sha256 = hashSnapshot(blob);
  return {
    meta: { index, term, configuration: configuration(names), totalBytes: blob.length, sha256 },
    bytes: blob,
  };
}

function part(fields: Partial<Persist>): Persist {
  return { hardState: undefined, snapshot: undefined, replacesLog: false, entries: [], ...fields };
}

async function fill(storage: RaftStorage, from: number, to: number): Promise<void> {
  for (let index = from; index <= to; index++) await storage.persist(part({ entries: [command(index)] }));
}

describe('the storage of a Raft member', () => {
  it('gives back hard state, entries of every kind and the first configuration', async () => {
    const disk = new SimulatedDisk();
    const { storage, stored } = await open(disk);
    expect(stored).toEqual({
      hardState: { term: 0, vote: '', commit: 0 },
      snapshot: undefined,
      entries: [],
      initialConfiguration: configuration('abc'),
    });
    const entries: Entry[] = [
      { index: 1, term: 1, body: { kind: 'noop' } },
      command(2),
      { index: 3, term: 2, body: { kind: 'configuration', configuration: configuration('abcd') } },
    ];
    const hardState = { term: 2, vote: 'b', commit: 1 };
    await storage.persist(part({ hardState, entries }));
    expect(await storage.read(1, 1_000)).toEqual(entries);
    await storage.close();
    // Whatever a later start names, who counts is in the log.
    const again = await open(disk, { initialVoters: { a: 'host-a:9' } });
    expect(again.stored).toEqual({ ...stored, hardState, entries });
  });

  it('replaces a suffix', async () => {
    const disk = new SimulatedDisk();
    const { storage } = await open(disk);
    await fill(storage, 1, 30);
    await storage.persist(part({ entries: [command(12, 2), command(13, 2)] }));
    await storage.close();
    const { entries } = (await open(disk)).stored;
    expect(entries.map(({ index, term }) => `${index}/${term}`)).toEqual([
      ...Array.from({ length: 11 }, (_, position) => `${position + 1}/1`),
      '12/2',
      '13/2',
    ]);
  });

  it('cuts what is larger than a segment', async () => {
    const disk = new SimulatedDisk();
    const { storage } = await open(disk);
    const entries = Array.from({ length: 200 }, (_, position) => command(position + 1));
    await storage.persist(part({ hardState: { term: 1, vote: 'a', commit: 0 }, entries }));
    await storage.close();
    expect((await open(disk.crash('lose'))).stored.entries).toEqual(entries);
  });

  it('keeps its newest snapshot, and entries before it until they are dropped', async () => {
    const disk = new SimulatedDisk();
    const { storage } = await open(disk);
    await fill(storage, 1, 100);
    await storage.saveSnapshot(snapshot(90, 1));
    await storage.saveSnapshot(snapshot(40, 1));
    // The core asks for what is there already.
    await storage.persist(part({ snapshot: snapshot(90, 1) }));
    await storage.dropEntries(60);
    await expect(storage.read(1, 100)).rejects.toMatchObject({ code: 'notFound' });
    expect((await storage.read(61, 1))[0]).toEqual(command(61));
    await storage.close();
    const { stored } = await open(disk);
    expect(stored.snapshot).toEqual(snapshot(90, 1));
    expect(stored.entries[0]?.index).toBeLessThanOrEqual(61);
    expect(stored.entries.at(-1)).toEqual(command(100));
  });

  it('empties the log for the snapshot of a leader, in the order of its calls', async () => {
    const disk = new SimulatedDisk();
    const { storage } = await open(disk);
    const done = [
      storage.persist(part({ entries: [command(1), command(2), command(3)] })),
      storage.persist(
        part({
          hardState: { term: 4, vote: '', commit: 50 },
          snapshot: snapshot(50, 3, 'abcd'),
          replacesLog: true,
        }),
      ),
      storage.persist(part({ entries: [command(51, 4)] })),
    ];
    await Promise.all(done);
    await storage.close();
    const { stored } = await open(disk.crash('lose'));
    expect(stored.snapshot).toEqual(snapshot(50, 3, 'abcd'));
    expect(stored.entries).toEqual([command(51, 4)]);
    expect(stored.hardState.term).toBe(4);
  });

  it('stops at a snapshot that was damaged on its way', async () => {
    const disk = new SimulatedDisk();
    const fatal: string[] = [];
    const { storage } = await open(disk, { onFatal: ({ message }) => fatal.push(message) });
    const good = snapshot(5, 1);
    const damaged = { ...good, bytes: good.bytes.slice().fill(0, 3, 4).fill(1, 9, 12) };
    const writing = storage.persist(part({ snapshot: damaged, replacesLog: true }));
    const behind = storage.persist(part({ entries: [command(6)] }));
    await expect(writing).rejects.toMatchObject({ code: 'hashMismatch' });
    await expect(behind).rejects.toMatchObject({ code: 'hashMismatch' });
    expect(fatal.length).toBe(1);
    await storage.close();
    expect((await open(disk)).stored).toMatchObject({ snapshot: undefined, entries: [] });
  });
});

describe('a folder that does not fit', () => {
  it('is refused when it is of another member or another cluster', async () => {
    const disk = new SimulatedDisk();
    await (await open(disk)).storage.close();
    await expect(open(disk, { nodeId: 'b' })).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('belongs to coordinator a'),
    });
    await expect(open(disk, { clusterId: 'ff'.repeat(16) })).rejects.toMatchObject({ code: 'conflict' });
  });

  it('is refused when other voters are named than it began with', async () => {
    const disk = new SimulatedDisk();
    await (await open(disk)).storage.close();
    const { b: _, ...fewer } = voters;
    for (const initialVoters of [fewer, { ...voters, d: 'host-d:1' }]) {
      await expect(open(disk, { initialVoters })).rejects.toMatchObject({ code: 'conflict', field: 'peers' });
    }
    for (const initialVoters of [{}, voters, { ...voters, b: 'elsewhere:2' }]) {
      await (await open(disk, { initialVoters })).storage.close();
    }
  });

  it('takes the log of a coordinator that was alone, alone', async () => {
    const disk = new SimulatedDisk();
    const log = await SegmentLog.open({
      disk,
      folder: 'data/segments',
      clusterId,
      segmentBytes: 2_048,
      onFatal: () => {},
    });
    await log.append([{ index: 1, term: 1, payload: new Uint8Array() }], { term: 1, vote: '', commit: 0 });
    await log.close();
    await expect(open(disk)).rejects.toMatchObject({ code: 'conflict' });
    await expect(open(disk, { initialVoters: {} })).rejects.toMatchObject({ code: 'conflict' });
    const { stored } = await open(disk, { initialVoters: { a: 'host-a:1' } });
    expect(stored.entries).toEqual([{ index: 1, term: 1, body: { kind: 'noop' } }]);
    expect(stored.initialConfiguration).toEqual(configuration('a'));
  });

  it('names the remedy for damage, and leaves every file as it is', async () => {
    const disk = new SimulatedDisk();
    const { storage } = await open(disk);
    await fill(storage, 1, 12);
    await storage.close();
    const path = 'data/segments/0000000001.segment';
    const content = disk.fileBytes(path);
    content[400] = (content[400] ?? 0) ^ 1;
    const damaged = disk.withFile(path, content);
    await expect(open(damaged)).rejects.toMatchObject({
      code: 'corrupted',
      message: expect.stringMatching(/segment, offset 3\d\d: .*gradswarm cluster remove a.*cluster add/),
    });
    expect(damaged.fileBytes(path)).toEqual(content);
  });

  it.each(['member.json', 'snapshots/0000000000000012.snapshot'])(
    'reports every flipped bit and every truncation of %s',
    async (name) => {
      const disk = new SimulatedDisk();
      const { storage } = await open(disk);
      await fill(storage, 1, 12);
      await storage.saveSnapshot(snapshot(12, 1));
      await storage.close();
      const path = `data/${name}`;
      const content = disk.fileBytes(path);
      const expectCorrupted = async (changed: Uint8Array) => {
        await expect(open(disk.withFile(path, changed))).rejects.toMatchObject({
          code: 'corrupted',
          message: expect.stringContaining(path),
        });
      };
      for (let bit = 0; bit < content.length * 8; bit++) {
        const flipped = content.slice();
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        await expectCorrupted(flipped);
      }
      for (let length = 0; length < content.length; length++)
        await expectCorrupted(content.subarray(0, length));
    },
  );

  it('is reported when its snapshot is missing', async () => {
    const disk = new SimulatedDisk();
    const { storage } = await open(disk);
    await fill(storage, 1, 100);
    await storage.saveSnapshot(snapshot(90, 1));
    await storage.dropEntries(80);
    await storage.close();
    await disk.remove('data/snapshots/0000000000000090.snapshot');
    await expect(open(disk)).rejects.toMatchObject({
      code: 'corrupted',
      message: expect.stringContaining('do not join'),
    });
  });
});

describe('a snapshot of a coordinator that was alone', () => {
  it('is read, with the configuration that it began with', async () => {
    const [sessions, state] = [bytes('[["client",-1,[[1,2,1]]]]'), bytes('the state')];
    const header = Buffer.alloc(96);
    header.write('GSWRSNAP');
    header.writeBigUInt64LE(1n, 8);
    Buffer.from(clusterId, 'hex').copy(header, 16);
    for (const [offset, value] of [
      [32, 2],
      [40, 1],
      [48, sessions.length],
      [56, state.length],
    ] as const) {
      header.writeBigUInt64LE(BigInt(value), offset);
    }
    const content = Buffer.concat([sessions, state]);
    const digest = createHash('sha256').update(header.subarray(0, 64)).update(content).digest();
    digest.copy(header, 64);
    const disk = new SimulatedDisk();
    const { storage } = await open(disk);
    await fill(storage, 1, 3);
    await storage.close();
    const path = 'data/snapshots/0000000000000002.snapshot';
    const { stored } = await open(disk.withFile(path, Buffer.concat([header, content])));
    const found = stored.snapshot;
    expect(found?.meta).toMatchObject({ index: 2, term: 1, configuration: configuration('abc') });
    const parts = decodeSnapshotBlob(found?.bytes ?? new Uint8Array());
    expect([parts.sessions, parts.state].map((each) => new TextDecoder().decode(each))).toEqual([
      '[["client",-1,[[1,2,1]]]]',
      'the state',
    ]);
    expect(hashSnapshot(found?.bytes ?? new Uint8Array())).toBe(found?.meta.sha256);
  });
});
