import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Entry } from '../../../../server/raft/entry.ts';
import type { Message } from '../../../../server/raft/message.ts';
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
} from './support/letters.ts';
import { configurationOf, logText } from './support/test-cluster.ts';
import type { TestMember } from './support/test-member.ts';

const from = fc.constantFrom('b', 'c', 'd', 'z');
const term = fc.nat({ max: 6 });
const index = fc.nat({ max: 9 });
const flag = fc.boolean();
const meta = fc.record({
  index,
  term,
  configuration: fc.constantFrom(configurationOf(['a', 'b', 'c']), configurationOf(['b', 'c'])),
  totalBytes: fc.nat({ max: 4 }),
  sha256: fc.constantFrom('one', 'other'),
});

/** Entries that follow one another, with terms that do not fall: what a well-formed append may carry. */
const entries = fc
  .record({ first: index, terms: fc.array(term, { maxLength: 4 }), isConfiguration: flag })
  .map(({ first, terms, isConfiguration }) =>
    terms
      .toSorted((left, right) => left - right)
      .map((entryTerm, place): Entry => {
        if (!isConfiguration || place > 0) return noop(first + 1 + place, entryTerm);
        const configuration = configurationOf(['a', 'b', 'd'], { outgoing: ['a', 'b', 'c'] });
        return { index: first + 1, term: entryTerm, body: { kind: 'configuration', configuration } };
      }),
  );

const body: fc.Arbitrary<Record<string, unknown>> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('preVote', 'vote'),
    lastIndex: index,
    lastTerm: term,
    isTransfer: flag,
  }),
  fc.record({ kind: fc.constantFrom('preVoteReply', 'voteReply'), isGranted: flag }),
  fc.record({
    kind: fc.constant('append'),
    previousIndex: index,
    previousTerm: term,
    entries,
    commit: index,
  }),
  fc.record({ kind: fc.constant('appendReply'), index }),
  fc.record({
    kind: fc.constant('appendReply'),
    index,
    reject: fc.record({ hintIndex: index, hintTerm: term }),
  }),
  fc.record({ kind: fc.constant('heartbeat'), commit: index, readId: index }),
  fc.record({ kind: fc.constant('heartbeatReply'), readId: index }),
  fc.record({
    kind: fc.constant('snapshotChunk'),
    meta,
    offset: fc.nat({ max: 4 }),
    bytes: fc.uint8Array({ maxLength: 4 }),
  }),
  fc.record({ kind: fc.constant('snapshotReply'), index, offset: fc.nat({ max: 5 }) }),
  fc.record({ kind: fc.constant('timeoutNow') }),
  fc.record({ kind: fc.constant('readIndex'), readId: index }),
  fc.record({ kind: fc.constant('readIndexReply'), readId: index, index }),
);

const message = fc
  .record({ body, from, term })
  .map((parts) => ({ ...parts.body, from: parts.from, to: 'a', term: parts.term }) as unknown as Message);

/** A step of the outside world: a message, or `tick`, or the end of a write. */
const event = fc.oneof(
  { weight: 8, arbitrary: message },
  {
    weight: 3,
    arbitrary: fc.constantFrom('tick' as const, 'write' as const, 'hold' as const, 'propose' as const),
  },
);

/** What holds for one member, whatever it is told. */
class Watcher {
  readonly #votes = new Map<number, string>();
  #term = 0;
  #commit = 0;
  #applied = 0;

  check(member: TestMember, sent: readonly Message[]): void {
    const { term: newTerm, commit, lastIndex, firstIndex } = member.raft.status();
    expect(newTerm).toBeGreaterThanOrEqual(this.#term);
    expect(commit).toBeGreaterThanOrEqual(this.#commit);
    expect(lastIndex).toBeGreaterThanOrEqual(commit);
    expect(firstIndex).toBeLessThanOrEqual(commit + 1);
    this.#term = newTerm;
    this.#commit = commit;
    for (const reply of ofKind(sent, 'voteReply').filter(({ isGranted }) => isGranted)) {
      expect(this.#votes.get(reply.term) ?? reply.to).toBe(reply.to);
      this.#votes.set(reply.term, reply.to);
    }
    for (const reply of ofKind(sent, 'appendReply').filter(({ reject }) => !reject)) {
      const durable = member.disk.entries.at(-1)?.index ?? member.disk.snapshot?.meta.index ?? 0;
      if (reply.term === newTerm) expect(durable).toBeGreaterThanOrEqual(reply.index);
    }
    for (const entry of member.applied.splice(0)) {
      const start = member.installed.at(-1)?.meta.index ?? 0;
      expect(entry.index).toBe(Math.max(this.#applied, start) + 1);
      this.#applied = entry.index;
    }
  }
}

describe('messages of any content', () => {
  it.each<[string, (member: TestMember) => unknown]>([
    ['follower', () => undefined],
    ['candidate', makeCandidate],
    ['leader', makeLeader],
  ])('throw nothing at a %s, take nothing committed back, and get one vote in a term', (_, become) => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const member = loneMember(storedTerms([1, 1, 2], { commit: 1 }));
        become(member);
        const watcher = new Watcher();
        watcher.check(member, []);
        for (const each of events) {
          if (each === 'tick') member.raft.tick();
          else if (each === 'hold') member.isDiskHeld = !member.isDiskHeld;
          else if (each === 'propose') member.raft.propose(new Uint8Array(1), { clientId: 'x', sequence: 1 });
          const sent = each === 'write' ? member.releaseDisk(1) : [];
          if (typeof each !== 'string') member.raft.step(each);
          watcher.check(member, [...sent, ...member.run()]);
        }
      }),
      { numRuns: 1_500 },
    );
  });

  it('that are not addressed to a member, or seem to be of itself, are passed over', () => {
    const member = loneMember();
    const heartbeat = letter('heartbeat', 'b', 3, { commit: 0, readId: 0 });
    expect(say(member, { ...heartbeat, to: 'b' }, { ...heartbeat, from: 'a' })).toEqual([]);
    expect(member.raft.status().term).toBe(0);
  });

  it('with entries that do not follow one another are passed over', () => {
    const member = loneMember();
    for (const wrong of [
      [noop(2, 1)],
      [noop(1, 1), noop(3, 1)],
      [noop(1, 1), noop(1, 1)],
      [noop(1, 2), noop(2, 1)],
      [noop(1, 7)],
    ]) {
      say(member, append('b', 3, [0, 0], wrong));
    }
    expect(logText(member.disk.entries)).toBe('');
  });

  it('with a snapshot of a term that has not begun are passed over', () => {
    const member = loneMember();
    const meta = { index: 5, term: 4, configuration: configurationOf(['a']), totalBytes: 0, sha256: '' };
    say(member, letter('snapshotChunk', 'b', 3, { meta, offset: 0, bytes: new Uint8Array() }));
    expect(member.raft.status()).toMatchObject({ term: 3, commit: 0 });
  });

  it('of a second leader of the term are passed over', () => {
    const member = loneMember();
    say(member, append('b', 3, [0, 0], [noop(1, 3)]));
    expect(say(member, append('c', 3, [0, 0], [noop(1, 2)]))).toEqual([]);
    expect(logText(member.disk.entries)).toBe('3');
    expect(member.raft.status().leader).toBe('b');
  });
});
