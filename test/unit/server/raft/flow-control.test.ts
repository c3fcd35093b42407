import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Inflight } from '../../../../server/raft/inflight.ts';
import type { RaftOptions } from '../../../../server/raft/raft.ts';
import { letter, loneMember, makeLeader, ofKind, say, storedTerms } from './support/letters.ts';
import { logText, TestCluster } from './support/test-cluster.ts';
import type { TestMember } from './support/test-member.ts';

/** A leader of term 1, of which b alone has acknowledged the first entry. */
function leader(options: Partial<RaftOptions>): TestMember {
  const member = loneMember({}, ['a', 'b', 'c'], options);
  makeLeader(member);
  say(member, letter('appendReply', 'b', 1, { index: 1 }));
  return member;
}

function propose(member: TestMember, bytes: number) {
  const proposal = { clientId: 'test', sequence: member.raft.status().lastIndex };
  return member.raft.propose(new Uint8Array(bytes), proposal);
}

/** Proposes, and returns what is sent to b: the index before, and how many entries. */
function sentToB(member: TestMember, bytes = 10): [previousIndex: number, entries: number][] {
  propose(member, bytes);
  return appendsToB(member);
}

function appendsToB(member: TestMember): [previousIndex: number, entries: number][] {
  return ofKind(member.run(), 'append')
    .filter(({ to }) => to === 'b')
    .map(({ previousIndex, entries }) => [previousIndex, entries.length]);
}

describe('appends', () => {
  it('are sent ahead of their acknowledgements', () => {
    const member = leader({});
    expect([1, 2, 3].map(() => sentToB(member))).toEqual([[[1, 1]], [[2, 1]], [[3, 1]]]);
  });

  it('carry all that was proposed since the last output', () => {
    const member = leader({});
    for (let count = 0; count < 4; count++) propose(member, 1);
    expect(appendsToB(member)).toEqual([[1, 4]]);
  });

  it('are cut at their byte limit, which one entry alone may exceed', () => {
    const member = leader({ appendBytesMax: 300 });
    for (const bytes of [86, 86, 86, 5_000, 1, 1]) propose(member, bytes);
    expect(appendsToB(member)).toEqual([
      [1, 2],
      [3, 1],
      [4, 1],
      [5, 2],
    ]);
  });

  it('wait when as many as allowed are on their way, and go on with every acknowledgement', () => {
    const member = leader({ inflightMessagesMax: 2 });
    expect([1, 2, 3, 4].map(() => sentToB(member))).toEqual([[[1, 1]], [[2, 1]], [], []]);
    member.raft.step(letter('appendReply', 'b', 1, { index: 2 }));
    // What waited goes in one append; the commit index that moved goes with it.
    expect(appendsToB(member)).toEqual([[3, 2]]);
  });

  it('wait when as many bytes as allowed are on their way', () => {
    const member = leader({ inflightBytesMax: 1_000 });
    expect(sentToB(member, 600)).toEqual([[1, 1]]);
    expect(sentToB(member, 600)).toEqual([[2, 1]]);
    expect(sentToB(member, 600)).toEqual([]);
    member.raft.step(letter('appendReply', 'b', 1, { index: 3 }));
    expect(appendsToB(member)).toEqual([[3, 1]]);
  });

  it('tell the commit index even when no more entries may be sent', () => {
    const member = leader({ inflightMessagesMax: 1 });
    expect(sentToB(member)).toEqual([[1, 1]]);
    expect(sentToB(member)).toEqual([]);
    for (const index of [1, 3]) member.raft.step(letter('appendReply', 'c', 1, { index }));
    const toB = ofKind(member.run(), 'append').filter(({ to }) => to === 'b');
    expect(toB).toMatchObject([{ previousIndex: 2, entries: [], commit: 3 }]);
  });

  it('go one at a time to a follower of whose log nothing is known', () => {
    const member = loneMember();
    makeLeader(member);
    expect(sentToB(member)).toEqual([]);
    say(member, letter('heartbeatReply', 'c', 1, { readId: 0 }));
    expect(appendsToB(member)).toEqual([]);
    member.raft.step(letter('heartbeatReply', 'b', 1, { readId: 0 }));
    expect(appendsToB(member)).toEqual([[0, 2]]);
    expect(member.raft.status().progress.get('b')).toMatchObject({ state: 'probe' });
  });

  it.each(['append', 'appendReply'] as const)(
    'of a full window are sent again when every %s was lost',
    (lost) => {
      const cluster = new TestCluster({ voters: ['a', 'b', 'c'], options: { inflightMessagesMax: 4 } });
      cluster.elect('a');
      cluster.passes = ({ kind }) => kind !== lost;
      for (let count = 0; count < 20; count++) {
        cluster.propose('a', `${count}`);
        cluster.settle();
      }
      cluster.heal();
      cluster.tickAll(3);
      expect(cluster.status('a').commit).toBe(21);
      for (const id of ['b', 'c']) expect(cluster.status('a').progress.get(id)?.state).toBe('replicate');
    },
  );

  it('are sent again when the last of them was lost, with no further proposal', () => {
    const cluster = new TestCluster({ voters: ['a', 'b'] });
    cluster.elect('a');
    cluster.passes = ({ kind }) => kind !== 'append';
    cluster.propose('a', 'x');
    cluster.settle();
    cluster.heal();
    cluster.tickAll(2);
    expect(logText(cluster.member('b').applied)).toBe('1 1:x');
  });

  it('arrive in spite of loss, repetition and any order', () => {
    const fates = fc.array(fc.tuple(fc.nat({ max: 99 }), fc.constantFrom('once', 'once', 'twice', 'never')), {
      minLength: 40,
      maxLength: 40,
    });
    fc.assert(
      fc.property(fates, (list) => {
        const options = { inflightMessagesMax: 3, appendBytesMax: 200 };
        const cluster = new TestCluster({ voters: ['a', 'b', 'c'], options });
        cluster.elect('a');
        for (const [place, fate] of list) {
          cluster.propose('a', `${place}`);
          if (place % 7 === 0) cluster.tick('a');
          cluster.run();
          const message = cluster.messages[place % Math.max(cluster.messages.length, 1)];
          if (!message) continue;
          if (fate !== 'twice') cluster.messages.splice(cluster.messages.indexOf(message), 1);
          if (fate !== 'never') cluster.step(message);
        }
        cluster.tickAll(4);
        const logs = [...cluster.members.values()].map(({ applied }) => logText(applied));
        expect(new Set(logs).size).toBe(1);
        expect(cluster.status('a').commit).toBe(41);
      }),
      { numRuns: 50 },
    );
  });
});

describe('uncommitted proposals', () => {
  it('are refused beyond their limit, and taken again when some are committed', () => {
    const member = leader({ uncommittedBytesMax: 500 });
    expect(propose(member, 300).kind).toBe('accepted');
    expect(propose(member, 300)).toMatchObject({ kind: 'refused', reason: 'tooManyUncommitted' });
    member.run();
    say(member, letter('appendReply', 'b', 1, { index: 2 }));
    expect(propose(member, 300).kind).toBe('accepted');
  });

  it('may be one that is larger than the limit', () => {
    const member = leader({ uncommittedBytesMax: 10 });
    expect(propose(member, 1_000).kind).toBe('accepted');
    expect(propose(member, 0)).toMatchObject({ reason: 'tooManyUncommitted' });
  });

  it('are limited in number too, when they are empty', () => {
    const member = leader({ uncommittedBytesMax: 10_000 });
    let accepted = 0;
    while (accepted < 10_000 && propose(member, 0).kind === 'accepted') accepted += 1;
    expect(accepted).toBeLessThan(200);
  });

  it('that a new leader finds in its log count', () => {
    const member = loneMember(storedTerms([1, 1, 1, 1]), ['a', 'b', 'c'], { uncommittedBytesMax: 300 });
    makeLeader(member);
    expect(propose(member, 10)).toMatchObject({ reason: 'tooManyUncommitted' });
    say(member, letter('appendReply', 'b', 2, { index: 5 }));
    expect(propose(member, 10).kind).toBe('accepted');
  });
});

describe('an idle member', () => {
  it('has nothing to do', () => {
    const member = leader({ heartbeatTicks: 5 });
    for (let ticks = 0; ticks < 4; ticks++) {
      member.raft.tick();
      expect(member.raft.takeOutput()).toBeUndefined();
    }
    member.raft.tick();
    expect(member.raft.takeOutput()).toMatchObject({ persist: undefined });
  });
});

describe('Inflight', () => {
  it('is what a plain list says', () => {
    const step = fc.oneof(
      fc.record({ bytes: fc.integer({ min: 1, max: 100 }) }),
      fc.record({ freed: fc.nat({ max: 60 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const inflight = new Inflight(5, 200);
        let list: { index: number; bytes: number }[] = [];
        let index = 0;
        for (const each of steps) {
          if ('freed' in each) {
            inflight.free(each.freed);
            list = list.filter((append) => append.index > each.freed);
          } else if (!inflight.isFull) {
            index += 1;
            inflight.add(index, each.bytes);
            list.push({ index, bytes: each.bytes });
          }
          const bytes = list.reduce((sum, append) => sum + append.bytes, 0);
          expect(inflight.isFull).toBe(list.length >= 5 || bytes >= 200);
        }
      }),
    );
  });
});
