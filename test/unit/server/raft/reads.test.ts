import { describe, expect, it } from 'vitest';
import { limits } from '../../../../shared/base/limits.ts';
import { letter, loneMember, makeLeader, ofKind, say, storedTerms } from './support/letters.ts';
import { configurationOf, TestCluster } from './support/test-cluster.ts';
import type { TestMember } from './support/test-member.ts';

function leader(voters?: readonly string[]): TestMember {
  const member = loneMember({}, voters);
  makeLeader(member);
  for (const id of ['b', 'c', 'd']) say(member, letter('voteReply', id, 1, { isGranted: true }));
  for (const id of ['b', 'c', 'd']) say(member, letter('appendReply', id, 1, { index: 1 }));
  return member;
}

/** Asks, and returns the id that must be confirmed. */
function ask(member: TestMember, readId: number): number {
  member.raft.read(readId);
  const [heartbeat] = ofKind(member.run(), 'heartbeat');
  return heartbeat?.readId ?? 0;
}

function led(): TestCluster {
  const cluster = new TestCluster({ voters: ['a', 'b', 'c'] });
  cluster.elect('a');
  return cluster;
}

/** Ongaro 2014, section 6.4. */
describe('a read of the leader', () => {
  it('is answered with the commit index of its beginning, once a majority has confirmed the leader', () => {
    const member = leader(['a', 'b', 'c', 'd', 'e']);
    const id = ask(member, 7);
    member.raft.propose(new Uint8Array(1), { clientId: 'test', sequence: 1 });
    member.run();
    for (const other of ['b', 'c']) say(member, letter('appendReply', other, 1, { index: 2 }));
    say(member, letter('heartbeatReply', 'b', 1, { readId: id }));
    expect(member.reads).toEqual([]);
    say(member, letter('heartbeatReply', 'c', 1, { readId: id }));
    expect(member.reads).toEqual([{ readId: 7, index: 1 }]);
  });

  it('is not confirmed by answers to earlier heartbeats, nor by the same member twice', () => {
    const member = leader(['a', 'b', 'c', 'd', 'e']);
    const earlier = ask(member, 1);
    const later = ask(member, 2);
    expect(later).toBeGreaterThan(earlier);
    for (const other of ['b', 'b', 'b']) say(member, letter('heartbeatReply', other, 1, { readId: later }));
    for (const other of ['c', 'd']) say(member, letter('heartbeatReply', other, 1, { readId: earlier }));
    expect(member.reads.map(({ readId }) => readId)).toEqual([1]);
    say(member, letter('heartbeatReply', 'c', 1, { readId: later }));
    expect(member.reads.map(({ readId }) => readId)).toEqual([1, 2]);
  });

  it('never shares an id with an earlier one, so that a late answer proves nothing', () => {
    const member = leader();
    const ids = Array.from({ length: 20 }, (_, place) => ask(member, place));
    expect(new Set(ids).size).toBe(20);
    say(member, letter('heartbeatReply', 'b', 1, { readId: ids[9] ?? 0 }));
    expect(member.reads.map(({ readId }) => readId)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('asked together with others takes one round of heartbeats', () => {
    const member = leader();
    for (const readId of [1, 2, 3]) member.raft.read(readId);
    const heartbeats = ofKind(member.run(), 'heartbeat');
    expect(heartbeats).toHaveLength(2);
    say(member, letter('heartbeatReply', 'c', 1, { readId: heartbeats[0]?.readId ?? 0 }));
    expect(member.reads).toHaveLength(3);
  });

  it('waits for the first commit of the term: before it, what is committed is not known', () => {
    const member = loneMember(storedTerms([1, 1], { commit: 1 }));
    makeLeader(member);
    expect(ask(member, 7)).toBe(0);
    const confirmations = say(member, letter('heartbeatReply', 'b', 2, { readId: Number.MAX_SAFE_INTEGER }));
    expect(ofKind(confirmations, 'heartbeat')).toEqual([]);
    expect(member.reads).toEqual([]);
    const [heartbeat] = ofKind(say(member, letter('appendReply', 'b', 2, { index: 3 })), 'heartbeat');
    say(member, letter('heartbeatReply', 'c', 2, { readId: heartbeat?.readId ?? 0 }));
    expect(member.reads).toEqual([{ readId: 7, index: 3 }]);
  });

  it('survives lost heartbeats, since each of the next ones asks too', () => {
    const cluster = led();
    cluster.passes = ({ kind }) => kind !== 'heartbeat';
    cluster.member('a').raft.read(7);
    cluster.settle();
    expect(cluster.member('a').reads).toEqual([]);
    cluster.heal();
    cluster.tickAll(1);
    expect(cluster.member('a').reads).toEqual([{ readId: 7, index: 1 }]);
  });

  it('is not answered by a leader that is cut off, which gives it up with its office', () => {
    const cluster = led();
    cluster.isolate('a');
    cluster.member('a').raft.read(7);
    cluster.tickAll(5);
    expect(cluster.member('a').reads).toEqual([]);
    cluster.tickAll(10);
    expect(cluster.member('a').reads).toEqual([{ readId: 7, index: undefined }]);
  });

  it('is given up when a later term is heard of', () => {
    const member = leader();
    const id = ask(member, 7);
    say(member, letter('heartbeat', 'c', 2, { commit: 0, readId: 0 }));
    expect(member.reads).toEqual([{ readId: 7, index: undefined }]);
    say(member, letter('heartbeatReply', 'b', 1, { readId: id }));
    expect(member.reads).toHaveLength(1);
  });

  it('is answered at once where there is one voter', () => {
    const cluster = new TestCluster({ voters: ['a'], learners: ['b'] });
    cluster.tick('a');
    cluster.member('a').raft.read(7);
    cluster.run('a');
    expect(cluster.member('a').reads).toEqual([{ readId: 7, index: 1 }]);
  });

  it('is not confirmed by learners', () => {
    const cluster = new TestCluster({ voters: ['a', 'b', 'c'], learners: ['d', 'e'] });
    cluster.elect('a');
    cluster.passes = ({ from }) => !['b', 'c'].includes(from);
    cluster.member('a').raft.read(7);
    cluster.tickAll(3);
    expect(cluster.member('a').reads).toEqual([]);
  });

  it.each([
    ['old', ['d', 'e'], 'b'],
    ['new', ['b', 'c'], 'd'],
  ])('needs both majorities of a joint configuration, the %s one too', (_, confirming, missing) => {
    const cluster = new TestCluster({ voters: ['a', 'b', 'c'], learners: ['d', 'e'] });
    cluster.elect('a');
    cluster.tickAll(1);
    cluster.passes = ({ kind }) => kind !== 'appendReply' && kind !== 'heartbeatReply';
    const a = cluster.member('a');
    a.raft.changeMembership([
      { kind: 'promote', id: 'd' },
      { kind: 'promote', id: 'e' },
      { kind: 'remove', id: 'b' },
      { kind: 'remove', id: 'c' },
    ]);
    cluster.settle();
    expect(cluster.status('a').configuration).toMatchObject(
      configurationOf(['a', 'd', 'e'], { outgoing: ['a', 'b', 'c'] }),
    );
    const id = ask(a, 7);
    for (const other of confirming) say(a, letter('heartbeatReply', other, 1, { readId: id }));
    expect(a.reads).toEqual([]);
    say(a, letter('heartbeatReply', missing, 1, { readId: id }));
    expect(a.reads).toEqual([{ readId: 7, index: 1 }]);
  });

  it('is refused when too many wait', () => {
    const member = leader();
    for (let readId = 0; readId <= limits.raftPendingReadsMax; readId++) member.raft.read(readId);
    member.run();
    expect(member.reads).toEqual([{ readId: limits.raftPendingReadsMax, index: undefined }]);
  });
});

describe('a read of a follower', () => {
  it('is asked of the leader', () => {
    const cluster = led();
    cluster.propose('a', 'x');
    cluster.settle();
    cluster.member('b').raft.read(7);
    cluster.settle();
    expect(cluster.member('b').reads).toEqual([{ readId: 7, index: 2 }]);
    expect(cluster.member('a').reads).toEqual([]);
  });

  it('without a leader must be asked again', () => {
    const member = loneMember();
    member.raft.read(7);
    member.run();
    expect(member.reads).toEqual([{ readId: 7, index: undefined }]);
  });

  it.each(['readIndex', 'readIndexReply'] as const)('whose %s was lost must be asked again', (lost) => {
    const cluster = led();
    cluster.passes = ({ kind }) => kind !== lost;
    cluster.member('b').raft.read(7);
    cluster.tickAll(9);
    expect(cluster.member('b').reads).toEqual([]);
    cluster.tickAll(2);
    expect(cluster.member('b').reads).toEqual([{ readId: 7, index: undefined }]);
  });

  it('is given up when the leader changes', () => {
    const cluster = led();
    cluster.passes = ({ kind }) => kind !== 'readIndex';
    cluster.member('b').raft.read(7);
    cluster.elect('c');
    expect(cluster.member('b').reads).toEqual([{ readId: 7, index: undefined }]);
  });

  it('is answered once, whatever comes twice', () => {
    const cluster = led();
    cluster.member('b').raft.read(7);
    for (let rounds = 0; rounds < 3; rounds++) {
      cluster.run();
      cluster.messages.push(...cluster.messages);
      cluster.deliver();
    }
    cluster.settle();
    expect(cluster.member('b').reads).toEqual([{ readId: 7, index: 1 }]);
  });

  it('is not answered with what was asked before a restart', () => {
    const cluster = led();
    cluster.member('b').raft.read(7);
    cluster.passes = ({ kind }) => kind !== 'readIndexReply';
    const late: (typeof cluster)['messages'] = [];
    cluster.passes = (message) => message.kind !== 'readIndexReply' || late.push(message) === 0;
    cluster.settle();
    expect(late).toHaveLength(1);
    cluster.member('b').restart();
    cluster.tickAll(1);
    cluster.member('b').raft.read(7);
    for (const message of late) cluster.member('b').raft.step(message);
    cluster.run('b');
    expect(cluster.member('b').reads).toEqual([]);
  });

  it('is not taken from one that was removed', () => {
    const member = leader();
    say(member, letter('readIndex', 'z', 1, { readId: 3 }));
    member.raft.tick();
    expect(ofKind(member.run(), 'heartbeat')[0]).toMatchObject({ readId: 0 });
  });
});
