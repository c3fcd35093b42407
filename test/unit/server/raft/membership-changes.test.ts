import { describe, expect, it } from 'vitest';
import type { MembershipChange } from '../../../../server/raft/cluster-configuration.ts';
import type { Message } from '../../../../server/raft/message.ts';
import { append, letter, loneMember, noop, say, storedTerms, voteRequest } from './support/letters.ts';
import { configurationOf, logText, TestCluster } from './support/test-cluster.ts';

const add = (id: string): MembershipChange => ({ kind: 'addLearner', id, address: `${id}:1` });
const promote = (id: string): MembershipChange => ({ kind: 'promote', id });
const remove = (id: string): MembershipChange => ({ kind: 'remove', id });
const demote = (id: string): MembershipChange => ({ kind: 'demote', id });

function change(cluster: TestCluster, leader: string, ...changes: MembershipChange[]) {
  const outcome = cluster.member(leader).raft.changeMembership(changes);
  cluster.settle();
  return outcome;
}

function led(voters: string[], learners: string[] = [], strangers: string[] = []): TestCluster {
  const cluster = new TestCluster({ voters, learners, strangers });
  const [first = ''] = voters;
  if (voters.length === 1) cluster.tick(first);
  else cluster.elect(first);
  cluster.settle();
  return cluster;
}

function without(...ids: string[]): (message: Message) => boolean {
  return ({ from, to }) => !ids.includes(from) && !ids.includes(to);
}

function votersOf(cluster: TestCluster, id: string): string {
  const { voters, outgoing } = cluster.status(id).configuration;
  return outgoing.length > 0 ? `${voters.join(' ')} & ${outgoing.join(' ')}` : voters.join(' ');
}

describe('changes of the members', () => {
  it('grow a cluster from one to three, learners first', () => {
    const cluster = led(['a'], [], ['b', 'c']);
    for (const id of ['b', 'c']) expect(change(cluster, 'a', add(id)).kind).toBe('accepted');
    cluster.tickAll(2);
    expect(cluster.status('b').role).toBe('learner');
    for (const id of ['b', 'c']) {
      expect(change(cluster, 'a', promote(id)).kind).toBe('accepted');
      cluster.tickAll(2);
    }
    for (const id of ['a', 'b', 'c']) expect(votersOf(cluster, id)).toBe('a b c');
    cluster.isolate('c');
    cluster.propose('a', 'x');
    cluster.settle();
    expect(logText(cluster.member('b').applied)).toContain('1:x');
  });

  it('replace a member in one step', () => {
    const cluster = led(['a', 'b', 'c'], ['d']);
    cluster.tickAll(2);
    expect(change(cluster, 'a', promote('d'), remove('c')).kind).toBe('accepted');
    expect(votersOf(cluster, 'a')).toBe('a b d');
  });

  it.each([
    ['the old', ['b', 'c'], ['c']],
    ['the new', ['d', 'e'], ['e']],
  ])('are in force as soon as they are in the log, and need %s majority too', (_, missing, stillMissing) => {
    const cluster = led(['a', 'b', 'c'], ['d', 'e']);
    cluster.tickAll(2);
    cluster.passes = without(...missing);
    change(cluster, 'a', promote('d'), promote('e'), remove('b'), remove('c'));
    cluster.tickAll(2);
    expect(votersOf(cluster, 'a')).toBe('a d e & a b c');
    expect(cluster.status('a').commit).toBe(1);
    cluster.passes = without(...stillMissing);
    cluster.tickAll(2);
    expect(votersOf(cluster, 'a')).toBe('a d e');
  });

  it('wait for one another, and for the first commit of a new leader', () => {
    const cluster = led(['a', 'b', 'c'], ['d']);
    cluster.tickAll(2);
    cluster.passes = ({ from }) => from === 'a';
    change(cluster, 'a', add('e'));
    expect(change(cluster, 'a', add('f'))).toMatchObject({ kind: 'refused', reason: 'changeUnderWay' });
    cluster.heal();
    cluster.tickAll(2);
    expect(change(cluster, 'a', add('f')).kind).toBe('accepted');
    cluster.passes = ({ kind }) => kind !== 'append';
    cluster.campaign('b');
    expect(change(cluster, 'b', remove('c'))).toMatchObject({ kind: 'refused', reason: 'changeUnderWay' });
  });

  it('are taken by the leader alone', () => {
    const cluster = led(['a', 'b', 'c']);
    expect(change(cluster, 'b', remove('c'))).toEqual({ kind: 'notLeader', leader: 'a' });
  });

  it('do not promote a learner that was not heard of, or that lags', () => {
    const cluster = led(['a'], [], ['b']);
    cluster.passes = () => false;
    change(cluster, 'a', add('b'));
    const refused = { kind: 'refused', reason: 'badChange', message: expect.stringMatching(/caught up/) };
    expect(change(cluster, 'a', promote('b'))).toMatchObject(refused);
    cluster.heal();
    cluster.tickAll(2);
    cluster.passes = ({ kind }) => kind !== 'append';
    for (let count = 0; count < 300; count++) {
      cluster.propose('a');
      cluster.settle();
    }
    expect(change(cluster, 'a', promote('b'))).toMatchObject(refused);
    cluster.heal();
    cluster.tickAll(3);
    expect(change(cluster, 'a', promote('b')).kind).toBe('accepted');
  });

  it('do not leave a cluster without a voter', () => {
    const cluster = led(['a']);
    expect(change(cluster, 'a', remove('a'))).toMatchObject({ reason: 'badChange' });
  });

  it('are taken back when the log is truncated', () => {
    const cluster = led(['a', 'b', 'c'], ['d']);
    cluster.tickAll(2);
    cluster.isolate('a');
    change(cluster, 'a', promote('d'));
    expect(votersOf(cluster, 'a')).toBe('a b c d & a b c');
    cluster.elect('b');
    cluster.heal();
    cluster.tickAll(2);
    expect(votersOf(cluster, 'a')).toBe('a b c');
    expect(cluster.status('a').configuration).toEqual(cluster.status('b').configuration);
  });

  it('make a voter a learner, which goes on receiving the log', () => {
    const cluster = led(['a', 'b', 'c']);
    change(cluster, 'a', demote('c'));
    expect(cluster.status('a').configuration).toEqual(configurationOf(['a', 'b'], { learners: ['c'] }));
    cluster.propose('a', 'x');
    cluster.tickAll(1);
    expect(cluster.status('c').role).toBe('learner');
    expect(logText(cluster.member('c').applied)).toContain('1:x');
  });

  it('do not stop when the promoted member is away, and go on when it is back', () => {
    const cluster = led(['a'], ['b']);
    cluster.tickAll(2);
    cluster.isolate('b');
    change(cluster, 'a', promote('b'));
    cluster.tickAll(30);
    expect(cluster.leaders()).toEqual([]);
    cluster.heal();
    cluster.tickAll(60);
    expect(cluster.leaders()).toHaveLength(1);
    expect(votersOf(cluster, 'b')).toBe('a b');
  });
});

describe('a leader that is removed', () => {
  it('does not count itself, and steps down when the final configuration is committed', () => {
    const cluster = led(['a', 'b', 'c']);
    const isJoint = (): boolean => cluster.status('a').configuration.outgoing.length > 0;
    cluster.passes = ({ kind, to }) => kind !== 'append' || to === 'b' || isJoint();
    change(cluster, 'a', remove('a'));
    expect(votersOf(cluster, 'a')).toBe('b c');
    const { commit } = cluster.status('a');
    // With itself it would have two of three; of b and c only b has it.
    cluster.propose('a', 'x');
    cluster.settle();
    expect(cluster.status('a')).toMatchObject({ role: 'leader', commit });
    cluster.heal();
    cluster.tickAll(2);
    expect(cluster.status('a').role).not.toBe('leader');
  });

  it('hands its office over, so that nobody waits for a timeout', () => {
    const cluster = led(['a', 'b', 'c']);
    change(cluster, 'a', remove('a'));
    expect(cluster.leaders()).toHaveLength(1);
    expect(cluster.leaders()).not.toContain('a');
    cluster.propose(cluster.leaders()[0] ?? '', 'x');
    cluster.settle();
    expect(cluster.status('b').commit).toBe(cluster.status('c').commit);
  });

  it('never campaigns again', () => {
    const cluster = led(['a', 'b', 'c']);
    change(cluster, 'a', remove('a'));
    cluster.passes = without('a');
    const sent: Message[] = [];
    for (let ticks = 0; ticks < 100; ticks++) {
      cluster.member('a').raft.tick();
      sent.push(...cluster.member('a').run());
    }
    expect(sent).toEqual([]);
  });

  it('campaigns while its removal is on no other disk, where it may hold the only log that can win', () => {
    const cluster = led(['a', 'b']);
    // The joint configuration is committed; the final one and a command stay with the leader.
    cluster.passes = ({ kind, from, to }) => {
      const isFinal = cluster.status('a').configuration.outgoing.length === 0;
      return !(kind === 'append' && from === 'a' && to === 'b' && isFinal);
    };
    change(cluster, 'a', demote('a'));
    expect(votersOf(cluster, 'a')).toBe('b');
    expect(votersOf(cluster, 'b')).toBe('b & a b');
    for (const member of cluster.members.values()) member.restart();
    cluster.heal();
    cluster.tickAll(100);
    expect(cluster.leaders()).toEqual(['b']);
    expect(votersOf(cluster, 'b')).toBe('b');
    expect(cluster.status('a').role).toBe('learner');
  });
});

describe('a follower that is removed', () => {
  it('disturbs nobody, though it never learns of it', () => {
    const cluster = led(['a', 'b', 'c']);
    cluster.isolate('c');
    change(cluster, 'a', remove('c'));
    cluster.tickAll(20);
    cluster.heal();
    cluster.tickAll(200);
    expect(cluster.leaders()).toEqual(['a']);
    expect(cluster.status('a').term).toBe(1);
    expect(votersOf(cluster, 'c')).toBe('a b c');
  });

  it('learns of it when it listens, and then says nothing more', () => {
    const cluster = led(['a', 'b', 'c']);
    change(cluster, 'a', remove('c'));
    cluster.tickAll(2);
    expect(cluster.status('c')).toMatchObject({ role: 'learner', commit: cluster.status('a').commit });
    expect(votersOf(cluster, 'c')).toBe('a b');
    expect([...cluster.status('a').progress.keys()]).toEqual(['b']);
    const sent: Message[] = [];
    for (let ticks = 0; ticks < 100; ticks++) {
      cluster.member('c').raft.tick();
      sent.push(...cluster.member('c').run());
    }
    expect(sent).toEqual([]);
  });

  it('is forgotten when it does not listen, and begins anew when it is added again', () => {
    const cluster = led(['a', 'b', 'c']);
    cluster.passes = ({ from }) => from !== 'c';
    change(cluster, 'a', remove('c'));
    expect(cluster.status('a').progress.get('c')).toMatchObject({ matchIndex: 1 });
    cluster.tick('a');
    change(cluster, 'a', add('c'));
    expect(cluster.status('a').progress.get('c')).toMatchObject({ matchIndex: 0, state: 'probe' });
    change(cluster, 'a', remove('c'));
    cluster.tickAll(12);
    expect([...cluster.status('a').progress.keys()]).toEqual(['b']);
  });

  it('cannot depose a leader by what it says of later terms', () => {
    const cluster = led(['a', 'b', 'c']);
    cluster.isolate('c');
    change(cluster, 'a', remove('c'));
    cluster.tickAll(12);
    cluster.heal();
    const a = cluster.member('a');
    const reject = { hintIndex: 0, hintTerm: 0 };
    say(
      a,
      letter('appendReply', 'c', 9, { index: 0, reject }),
      letter('heartbeatReply', 'c', 9, { readId: 0 }),
      voteRequest('c', 9, [99, 8]),
    );
    expect(cluster.status('a')).toMatchObject({ role: 'leader', term: 1 });
  });
});

describe('learners', () => {
  it('never campaign, and count for nothing', () => {
    const cluster = led(['a', 'b', 'c'], ['d', 'e']);
    cluster.passes = without('b', 'c');
    cluster.propose('a', 'x');
    cluster.tickAll(5);
    expect(cluster.status('d').lastIndex).toBe(2);
    expect(cluster.status('a').commit).toBe(1);
    cluster.passes = ({ from }) => from === 'd' || from === 'e';
    cluster.tickAll(100);
    expect(cluster.status('d')).toMatchObject({ role: 'learner', term: 1 });
    expect(cluster.leaders()).toEqual([]);
  });

  it('vote when they are asked: whoever asks may know that they were promoted', () => {
    const cluster = led(['a', 'b'], ['c']);
    cluster.tickAll(2);
    // The promotion reaches b, which is needed in both majorities, and not c, of which a does not hear any more.
    cluster.passes = ({ to }) => to !== 'c';
    change(cluster, 'a', promote('c'));
    expect(votersOf(cluster, 'b')).toBe('a b c');
    expect(cluster.status('c').role).toBe('learner');
    cluster.passes = without('a');
    cluster.campaign('b');
    expect(cluster.leaders()).toContain('b');
    expect(cluster.status('c')).toMatchObject({ role: 'follower', leader: 'b' });
  });
});

describe('a restart', () => {
  it('inside a joint configuration goes on in it, and leaves it', () => {
    const cluster = led(['a', 'b', 'c'], ['d', 'e']);
    cluster.tickAll(2);
    cluster.passes = ({ kind }) => kind !== 'appendReply';
    change(cluster, 'a', promote('d'), promote('e'), remove('b'), remove('c'));
    for (const id of ['a', 'b', 'c', 'd', 'e']) expect(votersOf(cluster, id)).toBe('a d e & a b c');
    for (const member of cluster.members.values()) member.restart();
    for (const id of ['a', 'b', 'c', 'd', 'e']) expect(votersOf(cluster, id)).toBe('a d e & a b c');
    // A majority of one side alone elects nobody.
    cluster.passes = without('d', 'e');
    cluster.tickAll(60);
    expect(cluster.leaders()).toEqual([]);
    cluster.passes = without('b', 'c');
    cluster.tickAll(60);
    expect(cluster.leaders()).toEqual([]);
    cluster.heal();
    cluster.tickAll(60);
    const [leader = ''] = cluster.leaders();
    expect(['a', 'd', 'e']).toContain(leader);
    for (const id of ['a', 'd', 'e']) expect(votersOf(cluster, id)).toBe('a d e');
  });

  it('after two compactions knows its members', () => {
    const cluster = led(['a', 'b', 'c'], ['d']);
    cluster.tickAll(2);
    change(cluster, 'a', promote('d'));
    cluster.compact('a', 2);
    cluster.propose('a', 'x');
    cluster.settle();
    cluster.compact('a');
    cluster.member('a').restart();
    expect(votersOf(cluster, 'a')).toBe('a b c d');
    expect(cluster.status('a').firstIndex).toBe(cluster.status('a').lastIndex + 1);
  });
});

/** What went wrong with changes of one server at a time (Ongaro, raft-dev, 10 July 2015), tried with joint ones. */
describe('two leaders that change different members', () => {
  it.each<[string, MembershipChange[], MembershipChange[]]>([
    ['one adds and the other removes', [promote('e')], [remove('a')]],
    ['both add', [promote('e')], [promote('f')]],
    ['both remove', [remove('b')], [remove('a')]],
  ])('%s: what was committed stays', (_, lost, kept) => {
    const cluster = led(['a', 'b', 'c', 'd'], ['e', 'f']);
    cluster.tickAll(2);
    // a appends its change, which reaches e at most, and is cut off.
    cluster.passes = without('b', 'c', 'd', 'f');
    change(cluster, 'a', ...lost);
    // b is elected by c and d, commits its own change, and a command without d.
    cluster.passes = without('a', 'e');
    cluster.elect('b');
    expect(change(cluster, 'b', ...kept).kind).toBe('accepted');
    cluster.passes = without('a', 'd', 'e');
    cluster.propose('b', 'x');
    cluster.settle();
    cluster.tickAll(1);
    const committed = logText(cluster.member('b').applied);
    expect(committed).toContain('2:x');
    // a is back, and reaches d and e, who have not heard of it.
    cluster.passes = without('b', 'c', 'f');
    for (let tries = 0; tries < 5; tries++) cluster.campaign('a', cluster.status('a').term + 1);
    expect(cluster.status('a').role).not.toBe('leader');
    cluster.heal();
    cluster.tickAll(200);
    const [leader = ''] = cluster.leaders();
    expect(logText(cluster.member(leader).applied).startsWith(committed)).toBe(true);
  });
});

describe('a member that waits to be added', () => {
  it('does nothing by itself, and takes what a leader sends', () => {
    const member = loneMember(storedTerms([]), []);
    for (let ticks = 0; ticks < 100; ticks++) member.raft.tick();
    expect(member.run()).toEqual([]);
    expect(member.raft.status()).toMatchObject({ role: 'learner', term: 0 });
    const joining = configurationOf(['b'], { learners: ['a'] });
    const entry = { index: 2, term: 3, body: { kind: 'configuration', configuration: joining } } as const;
    say(member, append('b', 3, [0, 0], [noop(1, 3), entry], 1));
    expect(member.raft.status()).toMatchObject({ leader: 'b', configuration: joining, lastIndex: 2 });
  });
});
