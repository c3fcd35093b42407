import { describe, expect, it } from 'vitest';
import type { RaftOutput } from '../../../../server/raft/raft.ts';
import {
  append,
  command,
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
import { logText, TestCluster } from './support/test-cluster.ts';
import type { TestMember } from './support/test-member.ts';

function slow(member: TestMember): TestMember {
  member.isDiskHeld = true;
  return member;
}

describe('promises', () => {
  it('of a vote leave when the vote is durable', () => {
    const member = slow(loneMember());
    expect(say(member, voteRequest('b', 1, [0, 0]))).toEqual([]);
    expect(member.releaseDisk()).toMatchObject([{ kind: 'voteReply', isGranted: true }]);
    expect(member.disk.hardState).toMatchObject({ term: 1, vote: 'b' });
  });

  it('of an entry leave when the entry is durable', () => {
    const member = slow(loneMember());
    expect(say(member, append('b', 1, [0, 0], [noop(1, 1)], 1))).toEqual([]);
    expect(member.applied).toEqual([]);
    expect(member.releaseDisk()).toMatchObject([{ kind: 'appendReply', index: 1 }]);
    expect(logText(member.applied)).toBe('1');
  });

  it('of a repeated append wait for the write of the first', () => {
    const member = slow(loneMember());
    const twice = append('b', 1, [0, 0], [noop(1, 1)]);
    expect(say(member, twice, twice)).toEqual([]);
    expect(member.held.map(({ persist }) => persist !== undefined)).toEqual([true, false]);
    expect(member.releaseDisk(1)).toHaveLength(1);
    expect(member.releaseDisk(1)).toHaveLength(1);
  });

  it('are not remembered by anyone else when the member crashes before they are durable', () => {
    for (const writes of [0, 1]) {
      const member = slow(loneMember());
      say(member, voteRequest('b', 1, [0, 0]));
      const told = member.releaseDisk(writes);
      member.restart();
      member.isDiskHeld = false;
      const [reply] = ofKind(say(member, voteRequest('c', 1, [0, 0])), 'voteReply');
      // Two votes in a term are one told and one given, never two told.
      expect(told.length + (reply?.isGranted ? 1 : 0)).toBe(1);
    }
  });

  it('of a candidate to itself come before its requests', () => {
    const member = slow(loneMember());
    makeCandidate(member);
    expect(member.raft.status()).toMatchObject({ role: 'candidate', term: 1 });
    const held = member.held.flatMap(({ messages }) => messages);
    expect(ofKind(held, 'vote')).toEqual([]);
    expect(ofKind(member.releaseDisk(), 'vote')).toHaveLength(2);
  });

  it('that cost no write leave at once', () => {
    const member = slow(loneMember());
    const heartbeat = letter('heartbeat', 'b', 1, { commit: 0, readId: 4 });
    expect(say(member, heartbeat)).toMatchObject([{ kind: 'heartbeatReply', readId: 4 }]);
  });
});

describe('a leader whose disk is slow', () => {
  it('sends entries before it has written them', () => {
    const member = loneMember();
    makeLeader(member);
    say(member, letter('appendReply', 'b', 1, { index: 1 }));
    slow(member).raft.propose(new Uint8Array(1), { clientId: 'test', sequence: 1 });
    expect(ofKind(member.run(), 'append')).toHaveLength(1);
    expect(member.disk.entries).toHaveLength(1);
  });

  it('does not count itself until it has written them', () => {
    const member = loneMember();
    makeCandidate(member);
    slow(member);
    say(
      member,
      letter('voteReply', 'b', 1, { isGranted: true }),
      letter('appendReply', 'b', 1, { index: 1 }),
    );
    expect(member.raft.status()).toMatchObject({ role: 'leader', commit: 0 });
    member.releaseDisk();
    expect(member.raft.status().commit).toBe(1);
  });

  it('commits what a majority of others has written, and applies it when it has too', () => {
    const member = loneMember();
    makeCandidate(member);
    slow(member);
    say(member, letter('voteReply', 'b', 1, { isGranted: true }));
    for (const id of ['b', 'c']) say(member, letter('appendReply', id, 1, { index: 1 }));
    expect(member.raft.status().commit).toBe(1);
    expect(member.applied).toEqual([]);
    member.releaseDisk();
    expect(logText(member.applied)).toBe('1');
  });

  it('may have several writes under way, of which each covers those before it', () => {
    const member = loneMember({}, ['a']);
    member.raft.tick();
    member.run();
    slow(member);
    const outputs: RaftOutput[] = [];
    for (const text of ['x', 'y', 'z']) {
      member.raft.propose(new TextEncoder().encode(text), { clientId: 'test', sequence: 1 });
      const output = member.raft.takeOutput();
      if (output) outputs.push(output);
    }
    expect(outputs.map(({ persist }) => logText(persist?.entries ?? []))).toEqual(['1:x', '1:y', '1:z']);
    member.raft.persisted(outputs[1]?.sequence ?? 0);
    expect(logText(member.raft.takeOutput()?.committed ?? [])).toBe('1:x 1:y');
    member.raft.persisted(outputs[2]?.sequence ?? 0);
    expect(logText(member.raft.takeOutput()?.committed ?? [])).toBe('1:z');
  });
});

describe('a write that ends late', () => {
  it('does not vouch for an entry that replaced what it wrote, even under the same index', () => {
    const member = slow(loneMember());
    say(member, append('b', 1, [0, 0], [command(1, 1, 'first')]));
    say(member, append('c', 2, [0, 0], [command(1, 2, 'second')], 1));
    say(member, append('b', 3, [1, 2], [], 1));
    expect(member.releaseDisk(1)).toMatchObject([{ term: 1 }]);
    expect(member.applied).toEqual([]);
    member.releaseDisk();
    expect(logText(member.applied)).toBe('2:second');
    expect(logText(member.disk.entries)).toBe('2:second');
  });

  it('does not vouch for an entry of a term that came back (A, then B, then A again)', () => {
    // x of term 1 at 2 is being written, is replaced by an entry of term 2, and a leader of term 3 brings x back.
    const member = slow(loneMember(storedTerms([1])));
    const x = command(2, 1, 'x');
    say(member, append('b', 1, [1, 1], [x]));
    say(member, append('c', 2, [1, 1], [command(2, 2, 'y')]));
    const replies = say(member, append('b', 3, [1, 1], [x, noop(3, 3)], 2));
    expect(replies).toEqual([]);
    member.releaseDisk(1);
    expect(logText(member.disk.entries)).toBe('1 1:x');
    // Durable for now, but the next write takes it away before the last brings it back.
    expect(logText(member.applied)).toBe('1');
    member.releaseDisk(1);
    expect(logText(member.disk.entries)).toBe('1 2:y');
    member.releaseDisk();
    expect(logText(member.applied)).toBe('1 1:x');
  });

  it('of the own vote counts for nothing when the candidacy is over', () => {
    const member = slow(loneMember());
    makeCandidate(member);
    say(member, letter('heartbeat', 'b', 1, { commit: 0, readId: 0 }));
    member.releaseDisk();
    expect(member.raft.status()).toMatchObject({ role: 'follower', leader: 'b', term: 1 });
  });

  it('of the own vote counts for its own term only', () => {
    const member = slow(loneMember({}, ['a', 'b', 'c', 'd', 'e']));
    makeCandidate(member);
    makeCandidate(member);
    say(
      member,
      letter('voteReply', 'b', 2, { isGranted: true }),
      letter('voteReply', 'c', 2, { isGranted: true }),
    );
    member.releaseDisk(2);
    expect(member.raft.status()).toMatchObject({ role: 'candidate', term: 2 });
    member.releaseDisk();
    expect(member.raft.status()).toMatchObject({ role: 'leader', term: 2 });
  });

  it('of the own entries counts for nothing when the office is lost', () => {
    const member = loneMember({}, ['a', 'b']);
    makeCandidate(member);
    slow(member);
    say(
      member,
      letter('voteReply', 'b', 1, { isGranted: true }),
      letter('appendReply', 'b', 1, { index: 1 }),
    );
    say(member, append('b', 2, [1, 1], [noop(2, 2)], 0));
    member.releaseDisk();
    expect(member.raft.status()).toMatchObject({ role: 'follower', commit: 0 });
    expect(member.applied).toEqual([]);
  });
});

describe('what is written', () => {
  it('has the term before its entries, in one write', () => {
    const member = loneMember();
    member.raft.step(append('b', 4, [0, 0], [noop(1, 4)]));
    expect(member.raft.takeOutput()?.persist).toMatchObject({
      hardState: { term: 4, vote: '', commit: 0 },
      entries: [{ index: 1, term: 4 }],
    });
  });

  it('never claims a commit of what is not durable yet', () => {
    const member = slow(loneMember());
    for (let index = 1; index <= 5; index++) {
      say(member, append('b', 1, [index - 1, index === 1 ? 0 : 1], [noop(index, 1)], index));
      for (const { persist } of member.held) {
        expect(persist?.hardState?.commit ?? 0).toBeLessThanOrEqual(member.disk.entries.length);
      }
      if (index === 3) member.releaseDisk();
    }
  });

  it('is nothing when only the commit index moved', () => {
    const member = loneMember();
    say(member, append('b', 1, [0, 0], [noop(1, 1)]));
    member.raft.step(letter('heartbeat', 'b', 1, { commit: 1, readId: 0 }));
    expect(member.raft.takeOutput()).toMatchObject({ persist: undefined, committed: [{ index: 1 }] });
  });

  it('brings a cluster back that lost its power, with everything that was acknowledged', () => {
    const cluster = new TestCluster({ voters: ['a', 'b', 'c'] });
    cluster.elect('a');
    for (const member of cluster.members.values()) slow(member);
    cluster.propose('a', 'x');
    cluster.settle();
    cluster.member('b').releaseDisk();
    cluster.member('a').releaseDisk();
    cluster.settle();
    cluster.messages.push(...cluster.member('b').releaseDisk(), ...cluster.member('a').releaseDisk());
    cluster.settle();
    for (const member of cluster.members.values()) {
      member.restart();
      member.isDiskHeld = false;
    }
    cluster.tickAll(60);
    for (const { applied } of cluster.members.values()) expect(logText(applied)).toMatch(/^1 1:x \d/);
  });
});
