import { describe, expect, it } from 'vitest';
import {
  append,
  letter,
  loneMember,
  makeCandidate,
  makeLeader,
  noop,
  ofKind,
  preVoteRequest,
  say,
  storedTerms,
  tickUntilHeard,
  voteRequest,
} from './support/letters.ts';
import { TestCluster } from './support/test-cluster.ts';

/** Ongaro and Ousterhout 2014, section 5.2, statement by statement. */
describe('section 5.2', () => {
  it('a leader sends heartbeats to everyone, again and again', () => {
    const member = loneMember({}, ['a', 'b', 'c'], { heartbeatTicks: 2 });
    makeLeader(member);
    for (let beats = 0; beats < 3; beats++) {
      member.raft.tick();
      expect(member.run()).toEqual([]);
      member.raft.tick();
      expect(ofKind(member.run(), 'heartbeat').map(({ to }) => to)).toEqual(['b', 'c']);
    }
  });

  it('a follower stays one as long as it hears a leader', () => {
    const member = loneMember();
    for (let ticks = 0; ticks < 100; ticks++) {
      say(member, letter('heartbeat', 'b', 1, { commit: 0, readId: 0 }));
      for (let silence = 0; silence < 9; silence++) member.raft.tick();
    }
    expect(member.raft.status()).toMatchObject({ role: 'follower', term: 1, leader: 'b' });
  });

  it('a follower that has just voted waits for a whole timeout', () => {
    const member = loneMember();
    for (let term = 1; term < 50; term++) {
      say(member, voteRequest(term % 2 === 0 ? 'b' : 'c', term, [0, 0]));
      for (let silence = 0; silence < 9; silence++) member.raft.tick();
      expect(member.raft.status().role).toBe('follower');
    }
  });

  it('a follower that hears nothing for a timeout asks whether it could win, then begins an election', () => {
    const member = loneMember();
    const questions = tickUntilHeard(member);
    expect(questions.map(({ kind, to, term }) => [kind, to, term])).toEqual([
      ['preVote', 'b', 1],
      ['preVote', 'c', 1],
    ]);
    expect(member.raft.status()).toMatchObject({ role: 'preCandidate', term: 0 });
    say(member, letter('preVoteReply', 'b', 1, { isGranted: true }));
    expect(member.raft.status()).toMatchObject({ role: 'candidate', term: 1 });
  });

  it('a candidate raises its term, votes for itself, and asks all others at once', () => {
    const member = loneMember(storedTerms([1, 2], { term: 3 }));
    const sent = makeCandidate(member);
    const request = { kind: 'vote', from: 'a', term: 4, lastIndex: 2, lastTerm: 2, isTransfer: false };
    expect(sent).toEqual([
      { ...request, to: 'b' },
      { ...request, to: 'c' },
    ]);
    expect(member.disk.hardState).toMatchObject({ term: 4, vote: 'a' });
  });

  it.each<[string, number, string[], string[], string]>([
    ['the only vote', 1, [], [], 'leader'],
    ['two of three', 3, ['b'], [], 'leader'],
    ['two of three against one', 3, ['c'], ['b'], 'leader'],
    ['one of three', 3, [], ['b'], 'candidate'],
    ['one against two of three', 3, [], ['b', 'c'], 'follower'],
    ['the own vote of three, so far', 3, [], [], 'candidate'],
    ['two of five', 5, ['b'], [], 'candidate'],
    ['three of five', 5, ['b', 'c'], [], 'leader'],
    ['three of five against two', 5, ['b', 'e'], ['c', 'd'], 'leader'],
    ['two of five against two', 5, ['b'], ['c', 'd'], 'candidate'],
    ['two of five against three', 5, ['b'], ['c', 'd', 'e'], 'follower'],
  ])('a candidate wins with a majority: %s', (_, size, granted, refused, role) => {
    const member = loneMember({}, ['a', 'b', 'c', 'd', 'e'].slice(0, size));
    if (size === 1) member.raft.tick();
    else makeCandidate(member);
    member.run();
    for (const id of granted) say(member, letter('voteReply', id, 1, { isGranted: true }));
    for (const id of refused) say(member, letter('voteReply', id, 1, { isGranted: false }));
    expect(member.raft.status().role).toBe(role);
  });

  it('a voter that answers twice counts once, as it answered first', () => {
    const member = loneMember({}, ['a', 'b', 'c', 'd', 'e']);
    makeCandidate(member);
    for (let copies = 0; copies < 3; copies++) say(member, letter('voteReply', 'b', 1, { isGranted: true }));
    expect(member.raft.status().role).toBe('candidate');
  });

  it('only votes of the same term count', () => {
    const member = loneMember({}, ['a', 'b', 'c']);
    makeCandidate(member);
    makeCandidate(member);
    expect(member.raft.status()).toMatchObject({ role: 'candidate', term: 2 });
    say(member, letter('voteReply', 'b', 1, { isGranted: true }));
    expect(member.raft.status().role).toBe('candidate');
  });

  it('a member votes once in a term, for who asked first, and says so again', () => {
    const member = loneMember();
    const answers = say(
      member,
      voteRequest('b', 1, [0, 0]),
      voteRequest('c', 1, [0, 0]),
      voteRequest('b', 1, [0, 0]),
      voteRequest('c', 2, [0, 0]),
    );
    expect(ofKind(answers, 'voteReply').map(({ to, isGranted }) => [to, isGranted])).toEqual([
      ['b', true],
      ['c', false],
      ['b', true],
      ['c', true],
    ]);
  });

  it('a vote survives a restart', () => {
    const member = loneMember();
    say(member, voteRequest('b', 1, [0, 0]));
    member.restart();
    expect(say(member, voteRequest('c', 1, [0, 0]))).toMatchObject([{ kind: 'voteReply', isGranted: false }]);
    expect(say(member, voteRequest('b', 1, [0, 0]))).toMatchObject([{ kind: 'voteReply', isGranted: true }]);
  });

  it('a candidate and a leader have voted for themselves', () => {
    for (const become of [makeCandidate, makeLeader]) {
      const member = loneMember();
      become(member);
      expect(ofKind(say(member, voteRequest('c', 1, [9, 9])), 'voteReply')).toMatchObject([
        { isGranted: false },
      ]);
    }
  });

  it('the winner tells all others at once', () => {
    const member = loneMember();
    makeCandidate(member);
    const sent = say(member, letter('voteReply', 'c', 1, { isGranted: true }));
    expect(sent.map(({ kind, to, term }) => [kind, to, term])).toEqual([
      ['append', 'b', 1],
      ['append', 'c', 1],
    ]);
  });

  it('a candidate follows a leader of its own term', () => {
    const member = loneMember();
    makeCandidate(member);
    say(member, append('b', 1, [0, 0], [noop(1, 1)]));
    expect(member.raft.status()).toMatchObject({ role: 'follower', term: 1, leader: 'b', lastIndex: 1 });
  });

  it('a candidate refuses a leader of an earlier term, and goes on', () => {
    const member = loneMember(storedTerms([], { term: 4 }));
    makeCandidate(member);
    const replies = say(member, append('b', 4, [0, 0], [noop(1, 4)]));
    expect(replies).toMatchObject([{ kind: 'appendReply', term: 5, reject: {} }]);
    expect(member.raft.status()).toMatchObject({ role: 'candidate', term: 5, lastIndex: 0 });
  });

  it('a candidate that neither wins nor loses starts again in a later term', () => {
    const member = loneMember();
    makeCandidate(member);
    makeCandidate(member);
    expect(member.raft.status()).toMatchObject({ role: 'candidate', term: 2 });
  });

  it('timeouts are drawn from an interval, and all of it', () => {
    const member = loneMember();
    const timeouts = new Set<number>();
    for (let campaigns = 0; campaigns < 500; campaigns++) {
      say(member, letter('heartbeat', 'b', termAfter(campaigns), { commit: 0, readId: 0 }));
      let ticks = 0;
      for (let sent = 0; sent === 0; ticks++) {
        member.raft.tick();
        sent = member.run().length;
      }
      timeouts.add(ticks);
    }
    expect([...timeouts].sort((left, right) => left - right)).toEqual([
      10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
    ]);
  });

  it('members rarely time out together, so that elections soon have a winner', () => {
    const cluster = new TestCluster({ voters: ['a', 'b', 'c', 'd', 'e'] });
    for (let ticks = 0; ticks < 100 && cluster.leaders().length === 0; ticks++) cluster.tickAll();
    expect(cluster.leaders()).toHaveLength(1);
  });
});

/** Every campaign is met by a leader of a later term, so that each timeout is drawn anew. */
function termAfter(campaigns: number): number {
  return campaigns + 1;
}

/** Ongaro 2014, sections 4.2.3 and 9.6. */
describe('pre-votes and live leaders', () => {
  it('asking costs nobody a term, however long a member is cut off', () => {
    const cluster = new TestCluster({ voters: ['a', 'b', 'c'] });
    cluster.elect('a');
    cluster.isolate('c');
    cluster.tickAll(1_000);
    expect(cluster.status('c')).toMatchObject({ role: 'preCandidate', term: 1 });
    cluster.heal();
    cluster.tickAll(3);
    expect(cluster.leaders()).toEqual(['a']);
    expect(cluster.status('c')).toMatchObject({ role: 'follower', term: 1, leader: 'a' });
  });

  it('a granted pre-vote binds nobody', () => {
    const member = loneMember();
    const replies = say(member, preVoteRequest('b', 1, [0, 0]), preVoteRequest('c', 1, [0, 0]));
    expect(replies).toMatchObject([
      { kind: 'preVoteReply', term: 1, isGranted: true },
      { kind: 'preVoteReply', term: 1, isGranted: true },
    ]);
    expect(member.raft.status().term).toBe(0);
    expect(member.disk.hardState.vote).toBe('');
  });

  it('a pre-vote goes to an up-to-date log only, and says which term refuses', () => {
    const member = loneMember(storedTerms([1, 3], { term: 3 }));
    const replies = say(member, preVoteRequest('b', 4, [9, 2]), preVoteRequest('b', 2, [9, 3]));
    expect(replies).toMatchObject([
      { kind: 'preVoteReply', term: 3, isGranted: false },
      { kind: 'preVoteReply', term: 3, isGranted: false },
    ]);
  });

  it('whoever hears a leader answers no vote request, and keeps its term', () => {
    const member = loneMember();
    say(member, letter('heartbeat', 'b', 1, { commit: 0, readId: 0 }));
    for (let ticks = 0; ticks < 9; ticks++) member.raft.tick();
    expect(say(member, preVoteRequest('c', 2, [9, 1]), voteRequest('c', 2, [9, 1]))).toEqual([]);
    expect(member.raft.status()).toMatchObject({ term: 1, leader: 'b' });
    member.raft.tick();
    expect(say(member, voteRequest('c', 2, [9, 1]))).toMatchObject([{ kind: 'voteReply', isGranted: true }]);
  });

  it('a leader refuses them as long as it leads, however late it was elected', () => {
    const member = loneMember();
    makeCandidate(member);
    for (let ticks = 0; ticks < 9; ticks++) member.raft.tick();
    member.raft.tick();
    say(member, letter('voteReply', 'b', 1, { isGranted: true }));
    expect(member.raft.status().role).toBe('leader');
    say(member, voteRequest('c', 2, [9, 1]));
    expect(member.raft.status()).toMatchObject({ role: 'leader', term: 1 });
  });

  it('a handover is answered at once', () => {
    const member = loneMember();
    say(member, letter('heartbeat', 'b', 1, { commit: 0, readId: 0 }));
    const request = letter('vote', 'c', 2, { lastIndex: 9, lastTerm: 1, isTransfer: true });
    expect(say(member, request)).toMatchObject([{ kind: 'voteReply', term: 2, isGranted: true }]);
  });

  it('a leader that no majority hears steps down within an election timeout, one that is heard does not', () => {
    for (const heard of [true, false]) {
      const member = loneMember({}, ['a', 'b', 'c', 'd', 'e']);
      makeCandidate(member);
      for (const id of ['b', 'c']) say(member, letter('voteReply', id, 1, { isGranted: true }));
      for (let ticks = 0; ticks < 12; ticks++) {
        say(member, letter('heartbeatReply', 'b', 1, { readId: 0 }));
        if (heard) say(member, letter('heartbeatReply', 'c', 1, { readId: 0 }));
        member.raft.tick();
        member.run();
      }
      expect(member.raft.status()).toMatchObject({ role: heard ? 'leader' : 'follower', term: 1 });
    }
  });

  it('a leader steps down although it is asked for reads, when nobody answers it', () => {
    const member = loneMember();
    makeCandidate(member);
    say(member, letter('voteReply', 'b', 1, { isGranted: true }));
    for (let ticks = 0; ticks < 12; ticks++) {
      say(member, letter('readIndex', 'b', 1, { readId: ticks + 1 }));
      member.raft.tick();
      member.run();
    }
    expect(member.raft.status()).toMatchObject({ role: 'follower', term: 1 });
  });

  it('a member with a later term makes its leader step down, and is led again', () => {
    const cluster = new TestCluster({
      voters: ['a', 'b', 'c'],
      stored: { c: storedTerms([], { term: 8 }) },
    });
    cluster.passes = ({ from, to }) => from !== 'c' && to !== 'c';
    cluster.elect('a');
    cluster.heal();
    for (let ticks = 0; ticks < 100; ticks++) cluster.tickAll();
    const [leader = ''] = cluster.leaders();
    expect(cluster.status('c')).toMatchObject({ leader, commit: cluster.status(leader).commit });
    expect(cluster.status('c').term).toBeGreaterThanOrEqual(9);
  });

  it('keeps one leader when two members hear it alone (a partial partition of five)', () => {
    const cluster = new TestCluster({ voters: ['1', '2', '3', '4', '5'] });
    cluster.elect('3');
    const links = ['12', '13', '23', '24', '35'];
    cluster.passes = ({ from, to }) => links.includes(`${from}${to}`) || links.includes(`${to}${from}`);
    cluster.tickAll(200);
    expect(cluster.leaders()).toEqual(['3']);
    expect(cluster.status('3').term).toBe(1);
  });

  it('keeps one leader in a chain of three', () => {
    const cluster = new TestCluster({ voters: ['a', 'b', 'c'] });
    cluster.elect('a');
    cluster.passes = ({ from, to }) => from === 'b' || to === 'b';
    cluster.tickAll(200);
    expect(cluster.leaders()).toEqual(['a']);
  });
});
