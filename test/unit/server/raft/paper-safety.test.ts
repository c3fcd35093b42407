import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { letter, loneMember, makeLeader, ofKind, say, storedTerms, voteRequest } from './support/letters.ts';
import { logText, TestCluster } from './support/test-cluster.ts';

/** Ongaro and Ousterhout 2014, section 5.4.1, statement by statement. */
describe('section 5.4.1', () => {
  it.each<[number[], [index: number, term: number], boolean]>([
    [[], [0, 0], true],
    [[1], [0, 0], false],
    [[1], [1, 1], true],
    [[1], [2, 1], true],
    [[1, 1], [1, 1], false],
    [[1, 1], [1, 2], true],
    [[1, 1, 1], [1, 2], true],
    [[2], [9, 1], false],
    [[1, 2], [9, 1], false],
    [[1, 2], [2, 2], true],
    [[1, 3], [2, 2], false],
    [[1, 3], [1, 3], false],
    [[3], [1, 3], true],
    [[1, 1, 3], [2, 4], true],
  ])('with a log of terms %j, whose last entry is (index, term) %j: vote is %s', (terms, last, isGranted) => {
    const member = loneMember(storedTerms(terms, { term: 5 }));
    expect(say(member, voteRequest('b', 6, last))).toMatchObject([{ kind: 'voteReply', term: 6, isGranted }]);
  });

  it('the later last term wins, and with equal terms the longer log', () => {
    const terms = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 5 }).map((list) => list.sort());
    fc.assert(
      fc.property(terms, terms, (own, other) => {
        const member = loneMember(storedTerms(own, { term: 5 }));
        const [ownTerm, otherTerm] = [own.at(-1) ?? 0, other.at(-1) ?? 0];
        const isNewer = otherTerm === ownTerm ? other.length >= own.length : otherTerm > ownTerm;
        const [reply] = ofKind(say(member, voteRequest('b', 6, [other.length, otherTerm])), 'voteReply');
        expect(reply?.isGranted).toBe(isNewer);
      }),
    );
  });

  it('a refusal for an old log is no vote: the next one with a good log gets it', () => {
    const member = loneMember(storedTerms([1, 2]));
    const replies = say(member, voteRequest('b', 3, [9, 1]), voteRequest('c', 3, [2, 2]));
    expect(replies).toMatchObject([
      { to: 'b', isGranted: false },
      { to: 'c', isGranted: true },
    ]);
  });

  it('a member without what is committed cannot be elected, and one with it can', () => {
    const cluster = new TestCluster({ voters: ['a', 'b', 'c'] });
    cluster.elect('a');
    cluster.isolate('c');
    cluster.propose('a', 'x');
    cluster.settle();
    cluster.passes = ({ from, to }) => from !== 'a' && to !== 'a';
    cluster.campaign('c');
    expect(cluster.status('c').role).not.toBe('leader');
    cluster.elect('b');
    expect(logText(cluster.member('c').applied)).toMatch(/^1 1:x \d$/);
  });
});

/** Ongaro and Ousterhout 2014, section 5.4.2, statement by statement. */
describe('section 5.4.2', () => {
  it('an entry of an earlier term is not committed by counting', () => {
    const member = loneMember(storedTerms([1, 2]));
    makeLeader(member);
    for (const id of ['b', 'c']) say(member, letter('appendReply', id, 3, { index: 2 }));
    expect(member.raft.status().commit).toBe(0);
  });

  it('once an entry of the own term is committed by counting, all before it are', () => {
    const member = loneMember(storedTerms([1, 2]));
    makeLeader(member);
    say(member, letter('appendReply', 'b', 3, { index: 3 }));
    expect(member.raft.status().commit).toBe(3);
  });

  it('a new leader appends an entry of its own at once, so that this does not wait for a client', () => {
    const cluster = new TestCluster({ voters: ['a', 'b', 'c'] });
    cluster.elect('a');
    cluster.elect('b');
    for (const { applied } of cluster.members.values()) expect(logText(applied)).toBe('1 2');
  });

  it('entries keep the term in which they were made', () => {
    const member = loneMember(storedTerms([1, 2]));
    const [first] = ofKind(makeLeader(member), 'append');
    const refusal = letter('appendReply', 'b', 3, { index: 2, reject: { hintIndex: 0, hintTerm: 0 } });
    const [again] = ofKind(say(member, refusal), 'append');
    expect(logText(first?.entries ?? [])).toBe('3');
    expect(logText(again?.entries ?? [])).toBe('1 2 3');
  });
});
