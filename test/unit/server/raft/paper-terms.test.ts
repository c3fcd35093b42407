import { describe, expect, it } from 'vitest';
import {
  append,
  letter,
  loneMember,
  makeCandidate,
  makeLeader,
  noop,
  ofKind,
  say,
  storedTerms,
  voteRequest,
} from './support/letters.ts';
import type { TestMember } from './support/test-member.ts';

const roles: readonly [string, (member: TestMember) => unknown][] = [
  ['follower', () => undefined],
  ['candidate', makeCandidate],
  ['leader', makeLeader],
];

/** Ongaro and Ousterhout 2014, section 5.1, statement by statement. */
describe('section 5.1', () => {
  it('members begin as followers', () => {
    expect(loneMember().raft.status()).toMatchObject({ role: 'follower', term: 0, leader: undefined });
  });

  it.each(roles)('a %s that hears of a later term takes it over and follows', (role, become) => {
    const member = loneMember(storedTerms([], { term: 1 }));
    become(member);
    expect(member.raft.status().role).toBe(role);
    say(member, append('c', 7, [0, 0]));
    expect(member.raft.status()).toMatchObject({ role: 'follower', term: 7, leader: 'c' });
  });

  it.each(roles.slice(1))('a %s learns from a reply that its term is over', (_, become) => {
    const member = loneMember();
    become(member);
    say(member, letter('appendReply', 'b', 9, { index: 0, reject: { hintIndex: 0, hintTerm: 0 } }));
    expect(member.raft.status()).toMatchObject({ role: 'follower', term: 9, leader: undefined });
  });

  it('every message carries the term of its sender', () => {
    const member = loneMember(storedTerms([1], { term: 4 }));
    const sent = makeLeader(member);
    expect(sent.map(({ kind, term }) => [kind, term])).toEqual([
      ['vote', 5],
      ['vote', 5],
      ['append', 5],
      ['append', 5],
    ]);
  });

  it('a request of an earlier term is refused, and changes nothing', () => {
    const member = loneMember(storedTerms([1, 2], { term: 5 }));
    const replies = say(
      member,
      append('b', 4, [2, 2], [noop(3, 4)], 2),
      letter('heartbeat', 'b', 4, { commit: 2, readId: 1 }),
      voteRequest('c', 4, [9, 4]),
    );
    expect(replies).toEqual([
      { kind: 'appendReply', from: 'a', to: 'b', term: 5, index: 0, reject: { hintIndex: 0, hintTerm: 0 } },
      { kind: 'appendReply', from: 'a', to: 'b', term: 5, index: 0, reject: { hintIndex: 0, hintTerm: 0 } },
      { kind: 'voteReply', from: 'a', to: 'c', term: 5, isGranted: false },
    ]);
    expect(member.raft.status()).toMatchObject({ term: 5, leader: undefined, commit: 0, lastIndex: 2 });
  });

  it('a reply of an earlier term is passed over', () => {
    const member = loneMember(storedTerms([1], { term: 3 }));
    makeLeader(member);
    const before = member.raft.status();
    expect(say(member, letter('appendReply', 'b', 3, { index: 2 }))).toEqual([]);
    expect(member.raft.status()).toEqual(before);
  });

  it('the term survives a restart, and never falls', () => {
    const member = loneMember();
    say(member, letter('heartbeat', 'b', 6, { commit: 0, readId: 0 }));
    member.restart();
    expect(member.raft.status().term).toBe(6);
  });

  it('the term is durable before anyone is told of it as an answer', () => {
    const member = loneMember();
    member.isDiskHeld = true;
    expect(ofKind(say(member, append('b', 6, [0, 0])), 'appendReply')).toEqual([]);
    expect(member.disk.hardState.term).toBe(0);
    expect(ofKind(member.releaseDisk(), 'appendReply')).toHaveLength(1);
    expect(member.disk.hardState.term).toBe(6);
  });
});
