import { describe, expect, it } from 'vitest';
import {
  append,
  command,
  letter,
  loneMember,
  makeLeader,
  noop,
  ofKind,
  say,
  storedTerms,
} from './support/letters.ts';
import { logText, TestCluster } from './support/test-cluster.ts';
import type { TestMember } from './support/test-member.ts';

/** A leader of term 1 whose first entry all three have. */
function settledLeader(): TestMember {
  const member = loneMember();
  makeLeader(member);
  for (const id of ['b', 'c']) say(member, letter('appendReply', id, 1, { index: 1 }));
  return member;
}

function propose(member: TestMember, text: string): void {
  const bytes = new TextEncoder().encode(text);
  member.raft.propose(bytes, { clientId: 'test', sequence: member.raft.status().lastIndex });
}

/** Ongaro and Ousterhout 2014, section 5.3, statement by statement. */
describe('section 5.3', () => {
  it('a leader appends a command to its log, and sends it to all others in parallel', () => {
    const member = settledLeader();
    propose(member, 'x');
    const appends = ofKind(member.run(), 'append');
    expect(appends.map(({ to, entries }) => [to, logText(entries)])).toEqual([
      ['b', '1:x'],
      ['c', '1:x'],
    ]);
    expect(logText(member.disk.entries)).toBe('1 1:x');
  });

  it('sends a follower only what it lacks, with the entry before it named', () => {
    const member = settledLeader();
    propose(member, 'x');
    propose(member, 'y');
    expect(ofKind(member.run(), 'append')[0]).toMatchObject({ previousIndex: 1, previousTerm: 1, commit: 1 });
    propose(member, 'z');
    const [next] = ofKind(member.run(), 'append');
    expect(next).toMatchObject({ previousIndex: 3, entries: [{ index: 4 }] });
  });

  it.each<[number, string[], boolean]>([
    [1, [], true],
    [3, [], false],
    [3, ['b'], true],
    [3, ['b', 'c'], true],
    [5, ['b'], false],
    [5, ['b', 'c'], true],
    [5, ['b', 'c', 'd'], true],
    [5, ['b', 'c', 'd', 'e'], true],
  ])('of %i members, with %j beside the leader: committed is %s', (size, acknowledging, isCommitted) => {
    const cluster = new TestCluster({ voters: ['a', 'b', 'c', 'd', 'e'].slice(0, size) });
    if (size === 1) cluster.tick('a');
    else cluster.elect('a');
    cluster.passes = ({ from }) => from === 'a' || acknowledging.includes(from);
    cluster.propose('a', 'x');
    cluster.settle();
    expect(logText(cluster.member('a').applied)).toBe(isCommitted ? '1 1:x' : '1');
  });

  it('the result is there when the command is committed, and not before', () => {
    const member = settledLeader();
    propose(member, 'x');
    member.run();
    expect(logText(member.applied)).toBe('1');
    say(member, letter('appendReply', 'c', 1, { index: 2 }));
    expect(logText(member.applied)).toBe('1 1:x');
  });

  it('a leader tries again until a follower has everything, also after it has committed', () => {
    const cluster = new TestCluster({ voters: ['a', 'b', 'c'] });
    cluster.elect('a');
    let lost = 0;
    cluster.passes = ({ kind, to }) => {
      const isLost = to === 'c' && kind === 'append' && lost < 20;
      if (isLost) lost += 1;
      return !isLost;
    };
    cluster.propose('a', 'x');
    cluster.tickAll(40);
    expect(lost).toBe(20);
    expect(logText(cluster.member('c').applied)).toBe('1 1:x');
  });

  it('an entry holds its command, the term in which a leader received it, and its place', () => {
    const member = settledLeader();
    propose(member, 'x');
    const proposal = { clientId: 'test', sequence: 1 };
    const body = { kind: 'command', proposal, bytes: new TextEncoder().encode('x') };
    expect(ofKind(member.run(), 'append')[0]?.entries).toEqual([{ index: 2, term: 1, body }]);
  });

  it('committing an entry commits all before it, those of earlier leaders too', () => {
    const member = loneMember(storedTerms([1, 2, 2]));
    makeLeader(member);
    expect(member.raft.status()).toMatchObject({ term: 3, commit: 0, lastIndex: 4 });
    say(member, letter('appendReply', 'b', 3, { index: 4 }));
    expect(logText(member.applied)).toBe('1 2 2 3');
  });

  it('appends tell what is committed, and a follower applies it in the order of the log', () => {
    const member = loneMember();
    say(member, append('b', 1, [0, 0], [noop(1, 1), command(2, 1, 'x'), command(3, 1, 'y')], 2));
    expect(logText(member.applied)).toBe('1 1:x');
    say(member, append('b', 1, [3, 1], [], 3));
    expect(logText(member.applied)).toBe('1 1:x 1:y');
  });

  it('a follower commits nothing that it does not have, or that was not compared', () => {
    const member = loneMember(storedTerms([1, 1, 1]));
    say(member, append('b', 2, [1, 1], [noop(2, 1)], 9));
    expect(member.raft.status().commit).toBe(2);
  });

  it('a heartbeat tells a follower what is committed, as far as it is known to have it', () => {
    const member = settledLeader();
    propose(member, 'x');
    member.run();
    say(member, letter('appendReply', 'b', 1, { index: 2 }));
    member.raft.tick();
    expect(ofKind(member.run(), 'heartbeat').map(({ to, commit }) => [to, commit])).toEqual([
      ['b', 2],
      ['c', 1],
    ]);
  });

  it('a leader makes one entry for an index in a term', () => {
    const member = settledLeader();
    for (const text of ['x', 'y', 'z']) propose(member, text);
    member.run();
    expect(member.disk.entries.map(({ index }) => index)).toEqual([1, 2, 3, 4]);
  });

  it('a follower refuses an append when it lacks the entry before, or has another there', () => {
    const member = loneMember(storedTerms([1, 2]));
    const replies = say(member, append('b', 3, [5, 3], [noop(6, 3)]), append('b', 3, [2, 1], [noop(3, 3)]));
    expect(replies).toMatchObject([
      { kind: 'appendReply', index: 5, reject: { hintIndex: 2, hintTerm: 2 } },
      { kind: 'appendReply', index: 2, reject: { hintIndex: 1, hintTerm: 1 } },
    ]);
    expect(logText(member.disk.entries)).toBe('1 2');
  });

  it('a follower with equal entries up to there takes the new ones and says how far it agrees', () => {
    const member = loneMember(storedTerms([1, 2]));
    const replies = say(member, append('b', 3, [2, 2], [noop(3, 3), noop(4, 3)]));
    expect(replies).toEqual([{ kind: 'appendReply', from: 'a', to: 'b', term: 3, index: 4 }]);
    expect(logText(member.disk.entries)).toBe('1 2 3 3');
  });

  it('a follower replaces what contradicts the leader, and all that follows it', () => {
    const member = loneMember(storedTerms([1, 2, 2, 2, 2]));
    say(member, append('b', 3, [1, 1], [noop(2, 3)]));
    expect(logText(member.disk.entries)).toBe('1 3');
  });

  it('a shorter append that comes late takes nothing away', () => {
    const member = loneMember();
    const entries = [noop(1, 1), noop(2, 1), noop(3, 1), noop(4, 1)];
    say(member, append('b', 1, [0, 0], entries));
    const replies = say(member, append('b', 1, [0, 0], entries.slice(0, 2)), append('b', 1, [1, 1]));
    expect(ofKind(replies, 'appendReply').map(({ index }) => index)).toEqual([2, 1]);
    expect(logText(member.disk.entries)).toBe('1 1 1 1');
  });

  it('an append that lies within what is committed is acknowledged up to there', () => {
    const member = loneMember();
    const entries = [noop(1, 1), noop(2, 1), noop(3, 1)];
    say(member, append('b', 1, [0, 0], entries, 3));
    expect(say(member, append('b', 1, [0, 0], entries.slice(0, 1)))).toMatchObject([{ index: 3 }]);
  });

  it('a new leader begins behind its last entry, and goes back until the logs agree', () => {
    const member = loneMember(storedTerms([1, 1, 1, 4, 4]));
    expect(ofKind(makeLeader(member), 'append')[0]).toMatchObject({
      previousIndex: 5,
      entries: [{ index: 6 }],
    });
    const refusal = letter('appendReply', 'b', 5, { index: 5, reject: { hintIndex: 4, hintTerm: 2 } });
    const [again] = ofKind(say(member, refusal), 'append');
    expect(again).toMatchObject({ to: 'b', previousIndex: 3, previousTerm: 1 });
    say(member, letter('appendReply', 'b', 5, { index: 6 }));
    expect(member.raft.status().progress.get('b')).toMatchObject({ state: 'replicate', matchIndex: 6 });
  });

  it('a refusal that comes late is told from the one that is awaited', () => {
    const member = loneMember(storedTerms([1, 1, 1]));
    makeLeader(member);
    const refusal = letter('appendReply', 'b', 2, { index: 3, reject: { hintIndex: 1, hintTerm: 1 } });
    expect(ofKind(say(member, refusal), 'append')).toMatchObject([{ previousIndex: 1 }]);
    expect(ofKind(say(member, refusal), 'append')).toEqual([]);
  });

  it('a leader never changes its own log, whatever it is told', () => {
    const member = settledLeader();
    propose(member, 'x');
    member.run();
    const strange = append('b', 1, [0, 0], [command(1, 1, 'other')]);
    say(member, strange, letter('appendReply', 'b', 1, { index: 99 }));
    expect(logText(member.disk.entries)).toBe('1 1:x');
    expect(member.raft.status()).toMatchObject({ role: 'leader', commit: 1 });
  });

  it('one slow member holds up nobody', () => {
    const cluster = new TestCluster({ voters: ['a', 'b', 'c'] });
    cluster.elect('a');
    cluster.passes = ({ to }) => to !== 'c';
    for (let count = 0; count < 50; count++) cluster.propose('a');
    cluster.settle();
    expect(cluster.status('a').commit).toBe(51);
  });
});
