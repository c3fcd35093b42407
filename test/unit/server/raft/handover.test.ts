import { describe, expect, it } from 'vitest';
import { letter, loneMember, makeLeader, ofKind, say } from './support/letters.ts';
import { logText, TestCluster } from './support/test-cluster.ts';

function ledByA(learners: readonly string[] = []): TestCluster {
  const cluster = new TestCluster({ voters: ['a', 'b', 'c'], learners });
  cluster.elect('a');
  return cluster;
}

/** Ongaro 2014, section 3.10. */
describe('a handover', () => {
  it('goes to a follower that is up to date at once', () => {
    const cluster = ledByA();
    expect(cluster.member('a').raft.transferLeadership('b')).toEqual({ kind: 'started' });
    cluster.settle();
    expect(cluster.leaders()).toEqual(['b']);
    expect(cluster.status('a')).toMatchObject({ role: 'follower', leader: 'b', transferTarget: undefined });
    expect(cluster.status('b').term).toBe(2);
  });

  it('brings a slow follower up to date first', () => {
    const cluster = ledByA();
    cluster.isolate('c');
    for (const text of ['x', 'y']) cluster.propose('a', text);
    cluster.settle();
    cluster.heal();
    cluster.member('a').raft.transferLeadership('c');
    cluster.tickAll(2);
    expect(cluster.leaders()).toEqual(['c']);
    expect(logText(cluster.member('c').applied)).toBe('1 1:x 1:y 2');
  });

  it('brings one up to date that needs a snapshot', () => {
    const cluster = ledByA();
    cluster.isolate('c');
    cluster.propose('a', 'x');
    cluster.settle();
    cluster.compact('a');
    cluster.heal();
    cluster.member('a').raft.transferLeadership('c');
    cluster.tickAll(5);
    expect(cluster.leaders()).toEqual(['c']);
  });

  it('is possible while a live leader is heard, without a pre-vote', () => {
    const cluster = ledByA();
    const kinds: string[] = [];
    cluster.passes = ({ kind }) => kinds.push(kind) > 0;
    cluster.member('a').raft.transferLeadership('b');
    cluster.settle();
    expect(cluster.leaders()).toEqual(['b']);
    expect(kinds).not.toContain('preVote');
  });

  it('takes no proposal and no membership change meanwhile, and takes them again after the time limit', () => {
    const cluster = ledByA();
    cluster.passes = ({ kind }) => kind !== 'timeoutNow';
    cluster.member('a').raft.transferLeadership('b');
    cluster.settle();
    const refused = { kind: 'refused', reason: 'transferring' };
    expect(cluster.propose('a')).toMatchObject(refused);
    expect(cluster.member('a').raft.changeMembership([{ kind: 'remove', id: 'c' }])).toMatchObject(refused);
    cluster.tickAll(9);
    expect(cluster.status('a').transferTarget).toBe('b');
    cluster.tickAll(1);
    expect(cluster.status('a').transferTarget).toBeUndefined();
    expect(cluster.propose('a').kind).toBe('accepted');
    expect(cluster.leaders()).toEqual(['a']);
  });

  it('answers reads meanwhile', () => {
    const cluster = ledByA();
    cluster.passes = ({ kind }) => kind !== 'timeoutNow';
    cluster.member('a').raft.transferLeadership('b');
    cluster.member('a').raft.read(7);
    cluster.settle();
    expect(cluster.member('a').reads).toEqual([{ readId: 7, index: 1 }]);
  });

  it.each([
    ['itself', 'a', /leader already/],
    ['a learner', 'd', /only a voter/],
    ['a stranger', 'z', /only a voter/],
  ])('to %s is refused', (_, to, message) => {
    const cluster = ledByA(['d']);
    expect(cluster.member('a').raft.transferLeadership(to)).toMatchObject({
      kind: 'refused',
      reason: 'badChange',
      message: expect.stringMatching(message),
    });
    expect(cluster.propose('a').kind).toBe('accepted');
  });

  it('is asked of the leader, and a follower names it', () => {
    const cluster = ledByA();
    expect(cluster.member('b').raft.transferLeadership('c')).toEqual({ kind: 'notLeader', leader: 'a' });
  });

  it('may be asked for twice, and is then the same one, with the same time limit', () => {
    const cluster = ledByA();
    cluster.passes = ({ kind }) => kind !== 'timeoutNow';
    cluster.member('a').raft.transferLeadership('b');
    cluster.tickAll(6);
    expect(cluster.member('a').raft.transferLeadership('b')).toEqual({ kind: 'started' });
    cluster.tickAll(4);
    expect(cluster.status('a').transferTarget).toBeUndefined();
  });

  it('to another one is refused while one is under way', () => {
    const cluster = ledByA();
    cluster.passes = ({ kind }) => kind !== 'timeoutNow';
    cluster.member('a').raft.transferLeadership('b');
    expect(cluster.member('a').raft.transferLeadership('c')).toMatchObject({ reason: 'transferring' });
    expect(cluster.status('a').transferTarget).toBe('b');
  });

  it('to one that is away is given up, and the leader stays', () => {
    const cluster = ledByA();
    cluster.isolate('b');
    cluster.member('a').raft.transferLeadership('b');
    cluster.tickAll(11);
    cluster.heal();
    cluster.tickAll(3);
    expect(cluster.leaders()).toEqual(['a']);
    expect(cluster.status('a').transferTarget).toBeUndefined();
  });

  it('survives the loss of the request, which is sent again', () => {
    const cluster = ledByA();
    let lost = 0;
    cluster.passes = ({ kind }) => kind !== 'timeoutNow' || lost++ > 0;
    cluster.member('a').raft.transferLeadership('b');
    cluster.settle();
    expect(cluster.leaders()).toEqual(['a']);
    cluster.tickAll(2);
    expect(cluster.leaders()).toEqual(['b']);
  });

  it('that reaches its target twice makes one campaign', () => {
    const cluster = ledByA();
    cluster.member('a').raft.transferLeadership('b');
    cluster.run('a');
    const copies = cluster.messages.filter(({ kind }) => kind === 'timeoutNow');
    cluster.messages.push(...copies, ...copies);
    cluster.settle();
    expect(cluster.status('b')).toMatchObject({ role: 'leader', term: 2 });
  });

  it('that reaches its target after the term is over does nothing', () => {
    const cluster = ledByA();
    const late = letter('timeoutNow', 'b', 1, {});
    cluster.elect('c');
    expect(say(cluster.member('a'), late)).toEqual([]);
    expect(cluster.leaders()).toEqual(['c']);
  });

  it('asked of a learner does nothing: it never campaigns', () => {
    const cluster = ledByA(['d']);
    cluster.step({ kind: 'timeoutNow', from: 'a', to: 'd', term: 1 });
    cluster.settle();
    expect(cluster.status('d')).toMatchObject({ role: 'learner', term: 1 });
    expect(cluster.leaders()).toEqual(['a']);
  });

  it('ends when the leader loses its office otherwise', () => {
    const member = loneMember();
    makeLeader(member);
    say(member, letter('appendReply', 'b', 1, { index: 1 }));
    member.raft.transferLeadership('c');
    expect(ofKind(member.run(), 'timeoutNow')).toEqual([]);
    say(member, letter('heartbeat', 'b', 2, { commit: 0, readId: 0 }));
    expect(member.raft.status()).toMatchObject({ role: 'follower', transferTarget: undefined });
  });
});
