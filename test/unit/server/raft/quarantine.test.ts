import { describe, expect, it } from 'vitest';
import {
  append,
  letter,
  loneMember,
  noop,
  preVoteRequest,
  say,
  storedTerms,
  voteRequest,
} from './support/letters.ts';

describe('a member in quarantine', () => {
  it('neither votes nor acknowledges nor campaigns, and writes nothing', () => {
    const member = loneMember(storedTerms([1, 1]), ['a', 'b', 'c'], { isQuarantined: true });
    const said = say(
      member,
      voteRequest('b', 5, [9, 4]),
      preVoteRequest('b', 6, [9, 4]),
      append('b', 5, [2, 1], [noop(3, 5)], 3),
      letter('heartbeat', 'b', 5, { commit: 2, readId: 1 }),
      letter('timeoutNow', 'b', 5, {}),
    );
    for (let ticks = 0; ticks < 100; ticks++) member.raft.tick();
    expect([...said, ...member.run()]).toEqual([]);
    expect(logText(member)).toEqual([1, 1]);
    expect(member.disk.hardState.term).toBe(1);
  });

  it('starts although its disk has lost the term of its entries', () => {
    const stored = storedTerms([1, 2], { term: 0 });
    const member = loneMember(stored, ['a', 'b', 'c'], { isQuarantined: true });
    expect(say(member, voteRequest('b', 5, [9, 4]))).toEqual([]);
    expect(() => loneMember(stored)).toThrow(/Invariant/);
  });

  it('knows who leads, and sends everyone there', () => {
    const member = loneMember(storedTerms([1]), ['a', 'b', 'c'], { isQuarantined: true });
    say(
      member,
      letter('heartbeat', 'b', 5, { commit: 0, readId: 0 }),
      letter('heartbeat', 'c', 4, { commit: 0, readId: 0 }),
    );
    const notLeader = { kind: 'notLeader', leader: 'b' };
    expect(member.raft.propose(new Uint8Array(1), { clientId: 'x', sequence: 1 })).toEqual(notLeader);
    expect(member.raft.changeMembership([{ kind: 'remove', id: 'c' }])).toEqual(notLeader);
    expect(member.raft.transferLeadership('c')).toEqual(notLeader);
    expect(member.raft.status()).toMatchObject({ role: 'follower', leader: 'b', term: 5 });
  });

  it('answers no read', () => {
    const member = loneMember({}, ['a'], { isQuarantined: true });
    member.raft.tick();
    member.raft.read(7);
    member.run();
    expect(member.reads).toEqual([{ readId: 7, index: undefined }]);
  });
});

function logText({ disk }: ReturnType<typeof loneMember>): number[] {
  return disk.entries.map(({ term }) => term);
}
