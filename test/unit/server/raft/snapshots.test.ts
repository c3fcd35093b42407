import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Message, SnapshotMeta } from '../../../../server/raft/message.ts';
import { limits } from '../../../../shared/base/limits.ts';
import { append, letter, loneMember, noop, ofKind, say, storedTerms } from './support/letters.ts';
import { configurationOf, logText, TestCluster } from './support/test-cluster.ts';

type Chunk = Extract<Message, { kind: 'snapshotChunk' }>;

function metaAt(index: number, term: number, totalBytes: number, sha256 = `hash of ${index}`): SnapshotMeta {
  return { index, term, totalBytes, sha256, configuration: configurationOf(['b', 'c'], { learners: ['a'] }) };
}

function chunk(
  meta: SnapshotMeta,
  bytes: Uint8Array,
  offset: number,
  size: number,
  from = 'b',
  term = 5,
): Message {
  return letter('snapshotChunk', from, term, { meta, offset, bytes: bytes.subarray(offset, offset + size) });
}

/** a and b have entries that c lacks and that are in a snapshot only. */
function behind(options: { readonly snapshotChunkBytes?: number } = {}): TestCluster {
  const cluster = new TestCluster({ voters: ['a', 'b', 'c'], options });
  cluster.elect('a');
  cluster.isolate('c');
  for (const text of ['x', 'y', 'z']) cluster.propose('a', text);
  cluster.settle();
  cluster.compact('a');
  return cluster;
}

/** Ticks the leader alone, and hands over what `select` picks, until it says no more of that kind. */
function chunksOf({ messages }: TestCluster): Chunk[] {
  return messages.filter((message): message is Chunk => message.kind === 'snapshotChunk');
}

describe('a follower that needs what is in a snapshot only', () => {
  it('gets it in chunks, and goes on with entries', () => {
    const cluster = behind();
    cluster.heal();
    const sizes: number[] = [];
    cluster.passes = (message) => {
      if (message.kind === 'snapshotChunk') sizes.push(message.bytes.length);
      return true;
    };
    cluster.tickAll(2);
    expect(sizes).toEqual([16, 16, 8]);
    cluster.propose('a', 'w');
    cluster.settle();
    const c = cluster.member('c');
    expect(c.installed.map(({ meta }) => meta.index)).toEqual([4]);
    expect(logText(c.applied)).toBe('1 1:w');
    expect(new TextDecoder().decode(c.disk.snapshot?.bytes)).toMatch(/^state at 4/);
    expect(cluster.status('a').progress.get('c')).toMatchObject({ state: 'replicate', matchIndex: 5 });
  });

  it('is not left probing when the snapshot ends the log', () => {
    const cluster = behind();
    cluster.heal();
    cluster.tickAll(2);
    expect(cluster.status('a').progress.get('c')).toMatchObject({ state: 'replicate', matchIndex: 4 });
    expect(cluster.status('c')).toMatchObject({ commit: 4, firstIndex: 5, lastIndex: 4 });
  });

  it('has one chunk on its way at a time, and heartbeats meanwhile', () => {
    const cluster = behind();
    cluster.heal();
    cluster.passes = ({ kind }) => kind !== 'snapshotChunk';
    cluster.tickAll(2);
    cluster.messages = [];
    const sent: Message[] = [];
    for (let ticks = 0; ticks < 4; ticks++) {
      cluster.member('a').raft.tick();
      sent.push(...cluster.member('a').run());
      cluster.step(letter('heartbeatReply', 'c', 1, { readId: 0 }));
    }
    expect(ofKind(sent, 'heartbeat').filter(({ to }) => to === 'c')).toHaveLength(4);
    const chunks = ofKind(sent, 'snapshotChunk');
    expect(chunks.length).toBeGreaterThan(0);
    expect(chunks.length).toBeLessThan(4);
    expect(new Set(chunks.map(({ offset }) => offset))).toEqual(new Set([0]));
  });

  it('gets lost chunks and answers again', () => {
    const cluster = behind();
    let count = 0;
    cluster.passes = ({ kind }) => !kind.startsWith('snapshot') || ++count % 3 !== 1;
    cluster.tickAll(60);
    expect(cluster.status('c')).toMatchObject({ commit: 4 });
  });

  it('that restarts names where to begin', () => {
    const cluster = behind();
    cluster.heal();
    cluster.passes = (message) => message.kind !== 'snapshotChunk' || message.offset === 0;
    cluster.tickAll(5);
    cluster.member('c').restart();
    const offsets: number[] = [];
    cluster.passes = (message) => {
      if (message.kind === 'snapshotReply') offsets.push(message.offset);
      return true;
    };
    cluster.tickAll(20);
    expect(cluster.status('c')).toMatchObject({ commit: 4 });
    expect(offsets).toEqual([0, 16, 32, 40]);
  });

  it('is sent nothing while it is away, and the newest when it is back', () => {
    const cluster = behind();
    cluster.tickAll(30);
    cluster.messages = [];
    cluster.passes = () => true;
    cluster.isolate('c');
    cluster.tick('a', 1);
    expect(chunksOf(cluster)).toEqual([]);
    cluster.settle();
    cluster.propose('a', 'w');
    cluster.settle();
    cluster.compact('a');
    cluster.heal();
    cluster.tickAll(3);
    expect(cluster.member('c').installed.map(({ meta }) => meta.index)).toEqual([5]);
  });

  it('finishes the one that it is receiving while newer ones are made, and needs no other', () => {
    const cluster = behind();
    cluster.heal();
    cluster.tick('c', 1);
    for (let round = 0; round < 30; round++) {
      // The link carries one message of a snapshot in each direction per round, and the log grows all the time.
      for (let writes = 0; writes < 5; writes++) cluster.propose('a', `${round}`);
      cluster.tick('a');
      let isSpent = false;
      cluster.passes = ({ kind }) => {
        if (kind !== 'snapshotChunk') return true;
        const passes = !isSpent;
        isSpent = true;
        return passes;
      };
      cluster.settle();
      cluster.compact('a');
    }
    expect(cluster.member('c').installed.map(({ meta }) => meta.index)).toEqual([4]);
    expect(cluster.status('a').progress.get('c')?.state).toBe('replicate');
    expect(cluster.status('c').commit).toBe(cluster.status('a').commit);
  });

  it('starts again with the newest when the log behind the old one has grown too large to be kept', () => {
    const cluster = behind();
    cluster.heal();
    cluster.passes = (message) => message.kind !== 'snapshotChunk' || message.offset === 0;
    cluster.tickAll(3);
    const bytes = new Uint8Array(limits.raftHeldLogBytesMax);
    cluster.member('a').raft.propose(bytes, { clientId: 'large', sequence: 1 });
    cluster.settle();
    cluster.compact('a');
    expect(cluster.status('a').firstIndex).toBe(6);
    cluster.heal();
    cluster.tickAll(20);
    expect(cluster.member('c').installed.map(({ meta }) => meta.index)).toEqual([5]);
  });

  it('goes on with the same snapshot under a new leader', () => {
    const cluster = behind();
    cluster.settle();
    cluster.compact('b');
    cluster.heal();
    cluster.passes = (message) => message.kind !== 'snapshotChunk' || message.offset < 16;
    cluster.tickAll(4);
    cluster.passes = ({ from, to }) => from !== 'a' && to !== 'a';
    const offsets: number[] = [];
    const isReachable = cluster.passes;
    cluster.passes = (message) => {
      if (message.kind === 'snapshotReply') offsets.push(message.offset);
      return isReachable(message);
    };
    cluster.elect('b');
    cluster.tickAll(20);
    expect(offsets).toEqual([16, 32, 40]);
    expect(cluster.status('c').commit).toBe(cluster.status('b').commit);
  });
});

describe('chunks', () => {
  const bytes = Uint8Array.from({ length: 40 }, (_, place) => place);

  it('may be empty, repeated, out of order or of odd sizes: the snapshot is installed once and whole', () => {
    const piece = fc.record({ offset: fc.nat({ max: 40 }), size: fc.nat({ max: 12 }) });
    const slices = fc.array(piece, { maxLength: 40 });
    fc.assert(
      fc.property(slices, (strange) => {
        const member = loneMember();
        const meta = metaAt(9, 4, bytes.length);
        let next = 0;
        for (const { offset, size } of [...strange, ...Array(40).fill({ offset: -1, size: 5 })]) {
          const place = offset < 0 ? next : offset;
          const [reply] = ofKind(say(member, chunk(meta, bytes, place, size)), 'snapshotReply');
          expect(reply?.offset).toBeGreaterThanOrEqual(next);
          next = reply?.offset ?? next;
        }
        expect(next).toBe(40);
        expect(member.installed).toEqual([{ meta, bytes }]);
        expect(member.disk.snapshot).toEqual({ meta, bytes });
      }),
    );
  });

  it('bring the configuration, and void the log where it does not lead to the snapshot', () => {
    const member = loneMember(storedTerms([1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2]));
    member.raft.step(chunk(metaAt(9, 4, 40), bytes, 0, 40));
    const output = member.raft.takeOutput();
    expect(output?.persist).toMatchObject({
      snapshot: { meta: { index: 9 } },
      replacesLog: true,
      entries: [],
    });
    expect(member.raft.status()).toMatchObject({ commit: 9, firstIndex: 10, lastIndex: 9, role: 'learner' });
    expect(member.raft.status().configuration).toEqual(configurationOf(['b', 'c'], { learners: ['a'] }));
  });

  it('are applied when they are durable, and the entries behind them after that', () => {
    const member = loneMember();
    member.isDiskHeld = true;
    expect(say(member, chunk(metaAt(9, 4, 40), bytes, 0, 40))).toEqual([]);
    expect(say(member, append('b', 5, [9, 4], [noop(10, 5)], 10))).toEqual([]);
    expect([member.installed.length, member.applied.length]).toEqual([0, 0]);
    expect(member.releaseDisk(1)).toMatchObject([{ kind: 'snapshotReply', index: 9, offset: 40 }]);
    expect([member.installed.length, member.applied.length]).toEqual([1, 0]);
    expect(member.releaseDisk(1)).toMatchObject([{ kind: 'appendReply', index: 10 }]);
    expect(logText(member.applied)).toBe('5');
  });

  it('of a snapshot that the log leads to commit it, and install nothing', () => {
    const member = loneMember(storedTerms([1, 1, 2, 2]));
    const replies = say(member, chunk(metaAt(3, 2, 40), bytes, 0, 10));
    expect(replies).toMatchObject([{ kind: 'snapshotReply', index: 3, offset: 40 }]);
    expect(member.raft.status()).toMatchObject({ commit: 3, lastIndex: 4, firstIndex: 1 });
    expect(member.installed).toEqual([]);
  });

  it('of a snapshot behind what is committed are answered as installed', () => {
    const member = loneMember(storedTerms([1, 1, 2, 2], { commit: 4 }));
    const replies = say(member, chunk(metaAt(3, 2, 40), bytes, 0, 10));
    expect(replies).toMatchObject([{ kind: 'snapshotReply', index: 3, offset: 40 }]);
    expect(member.raft.status()).toMatchObject({ commit: 4, lastIndex: 4 });
  });

  it('of an older snapshot that come late do not disturb a newer one, those of a new leader do', () => {
    const member = loneMember();
    say(member, chunk(metaAt(9, 4, 40), bytes, 0, 10));
    expect(say(member, chunk(metaAt(7, 4, 40), bytes, 0, 10))).toEqual([]);
    expect(say(member, chunk(metaAt(9, 4, 40), bytes, 10, 10))).toMatchObject([{ offset: 20 }]);
    expect(say(member, chunk(metaAt(7, 4, 40), bytes, 0, 40, 'c', 6))).toMatchObject([
      { index: 7, offset: 40 },
    ]);
  });

  it('of two snapshots in quick succession leave the later one', () => {
    const member = loneMember();
    member.isDiskHeld = true;
    say(member, chunk(metaAt(7, 4, 40), bytes, 0, 40), chunk(metaAt(9, 4, 40), bytes, 0, 40));
    const replies = member.releaseDisk();
    expect(ofKind(replies, 'snapshotReply').map(({ index }) => index)).toEqual([7, 9]);
    expect(member.installed.map(({ meta }) => meta.index)).toEqual([9]);
    expect(member.disk.snapshot?.meta.index).toBe(9);
  });

  it('of a snapshot without bytes are one', () => {
    const member = loneMember();
    say(member, chunk(metaAt(9, 4, 0), new Uint8Array(), 0, 0));
    expect(member.installed.map(({ meta }) => meta.index)).toEqual([9]);
  });

  it('of a snapshot that is too large, or that reach beyond its end, take no memory and no effect', () => {
    const member = loneMember();
    const huge = metaAt(9, 4, limits.raftSnapshotBytesMax + 1);
    expect(say(member, chunk(huge, bytes, 0, 40))).toEqual([]);
    expect(say(member, chunk(metaAt(9, 4, 39), bytes, 0, 40))).toMatchObject([{ offset: 0 }]);
    expect(member.installed).toEqual([]);
  });
});

describe('compaction', () => {
  it('keeps the entries before the end that it is told to, for followers that lag', () => {
    const cluster = new TestCluster({ voters: ['a', 'b', 'c'] });
    cluster.elect('a');
    cluster.isolate('c');
    for (const text of ['x', 'y', 'z']) cluster.propose('a', text);
    cluster.settle();
    cluster.compact('a', 3);
    expect(cluster.status('a')).toMatchObject({ firstIndex: 2, lastIndex: 4 });
    cluster.heal();
    cluster.tickAll(2);
    expect(cluster.member('c').installed).toEqual([]);
    expect(logText(cluster.member('c').applied)).toBe('1 1:x 1:y 1:z');
  });

  it('writes the snapshot, which a restart begins with', () => {
    const cluster = behind();
    const a = cluster.member('a');
    expect(a.disk.snapshot?.meta.index).toBe(4);
    a.restart();
    expect(cluster.status('a')).toMatchObject({ commit: 4, firstIndex: 5, lastIndex: 4 });
    expect(a.run()).toEqual([]);
    expect(a.applied).toEqual([]);
  });

  it('to an older snapshot than there is does nothing', () => {
    const cluster = behind();
    const older = cluster.compact('b');
    cluster.propose('a', 'w');
    cluster.settle();
    const newer = cluster.compact('a');
    cluster.member('a').raft.compact(older, 1);
    cluster.run('a');
    expect(cluster.member('a').disk.snapshot).toBe(newer);
  });

  it('of what a member applied before the entry that added it is put off: it does not know who counted', () => {
    const a = loneMember({}, []);
    const entries = [1, 2, 3].map((index) => noop(index, 1));
    say(a, append('b', 1, [0, 0], entries, 3));
    const none = configurationOf([]);
    const meta = { index: 2, term: 1, configuration: none, totalBytes: 0, sha256: '' };
    a.raft.compact({ meta, bytes: new Uint8Array() }, 3);
    a.run();
    expect(a.disk.snapshot).toBeUndefined();
    expect(a.raft.status()).toMatchObject({ commit: 3, firstIndex: 1 });
    const configuration = configurationOf(['b', 'c'], { learners: ['a'] });
    const added = { index: 4, term: 1, body: { kind: 'configuration', configuration } } as const;
    say(a, append('b', 1, [3, 1], [added], 4));
    a.raft.compact({ meta: { ...meta, index: 4, configuration }, bytes: new Uint8Array() }, 5);
    a.run();
    expect(a.disk.snapshot?.meta).toMatchObject({ index: 4, configuration });
    expect(a.raft.status().firstIndex).toBe(5);
  });

  it('takes no snapshot of what was not applied, or that contradicts the log', () => {
    const cluster = behind();
    cluster.propose('a', 'w');
    cluster.settle();
    const { raft } = cluster.member('a');
    const configuration = configurationOf(['a', 'b', 'c']);
    const meta = { index: 5, term: 1, configuration, totalBytes: 0, sha256: '' };
    const wrong = [
      { ...meta, index: 6 },
      { ...meta, term: 2 },
      { ...meta, configuration: configurationOf(['a', 'b']) },
    ];
    for (const each of wrong) {
      expect(() => raft.compact({ meta: each, bytes: new Uint8Array() }, 1)).toThrow(/Invariant/);
    }
  });
});
