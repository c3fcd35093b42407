import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Entry, entryBytes } from '../../../../server/raft/entry.ts';
import { MemberLog } from '../../../../server/raft/member-log.ts';
import type { Snapshot } from '../../../../server/raft/raft.ts';
import { command, noop } from './support/letters.ts';
import { configurationOf } from './support/test-cluster.ts';

const initialConfiguration = configurationOf(['a', 'b', 'c']);
const hardState = { term: 9, vote: '', commit: 0 } as const;

function snapshotAt(index: number, term: number): Snapshot {
  const configuration = configurationOf([`s${index}`]);
  return { meta: { index, term, configuration, totalBytes: 0, sha256: '' }, bytes: new Uint8Array() };
}

function configurationEntry(index: number, term: number): Entry {
  return { index, term, body: { kind: 'configuration', configuration: configurationOf([`v${index}`]) } };
}

function entryOf(kind: number, index: number, term: number): Entry {
  if (kind === 0) return configurationEntry(index, term);
  return kind === 1 ? noop(index, term) : command(index, term, 'x'.repeat(kind));
}

/** Remembers every entry and does everything the long way round. */
class PlainLog {
  base = { index: 0, term: 0 };
  entries: Entry[] = [];
  commit = 0;

  get lastIndex(): number {
    return this.entries.at(-1)?.index ?? this.base.index;
  }

  termAt(index: number): number | undefined {
    if (index === this.base.index) return this.base.term;
    return this.entries.find((entry) => entry.index === index)?.term;
  }

  lastOfTerm(index: number, term: number): number {
    const fitting = this.entries.filter((entry) => entry.index <= index && entry.term <= term);
    return fitting.at(-1)?.index ?? this.base.index;
  }
}

const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ append: fc.nat({ max: 9 }), newTerm: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ truncate: fc.nat({ max: 5 }) }) },
  { weight: 1, arbitrary: fc.record({ commit: fc.nat({ max: 5 }) }) },
  { weight: 1, arbitrary: fc.record({ drop: fc.nat({ max: 5 }) }) },
);

describe('MemberLog', () => {
  it('is what a plain list says', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const log = new MemberLog({ hardState, snapshot: undefined, entries: [], initialConfiguration });
        const plain = new PlainLog();
        let term = 1;
        const everyConfiguration = new Map([[0, initialConfiguration]]);
        for (const each of steps) {
          if ('append' in each) {
            if (each.newTerm) term += 1;
            const entry = entryOf(each.append, plain.lastIndex + 1, term);
            log.append(entry);
            plain.entries.push(entry);
            if (entry.body.kind === 'configuration')
              everyConfiguration.set(entry.index, entry.body.configuration);
          } else if ('truncate' in each) {
            const index = Math.max(plain.lastIndex - each.truncate, plain.commit) + 1;
            log.truncateFrom(index);
            plain.entries = plain.entries.filter((entry) => entry.index < index);
            for (const known of everyConfiguration.keys())
              if (known >= index) everyConfiguration.delete(known);
            term += 1;
          } else if ('commit' in each) {
            plain.commit = Math.min(plain.commit + each.commit, plain.lastIndex);
            log.commit = plain.commit;
          } else {
            const index = Math.min(plain.base.index + each.drop, plain.commit);
            log.dropThrough(index);
            plain.base = { index, term: plain.termAt(index) ?? -1 };
            plain.entries = plain.entries.filter((entry) => entry.index > index);
          }
          expect([log.baseIndex, log.baseTerm, log.lastIndex]).toEqual([
            plain.base.index,
            plain.base.term,
            plain.lastIndex,
          ]);
          expect(log.bytes).toBe(plain.entries.reduce((sum, entry) => sum + entryBytes(entry), 0));
          const newest = Math.max(...everyConfiguration.keys());
          expect(log.configurationIndex).toBe(newest);
          expect(log.configuration).toEqual(everyConfiguration.get(newest));
          for (let index = plain.base.index - 1; index <= plain.lastIndex + 1; index++) {
            expect(log.termAt(index)).toBe(plain.termAt(index));
          }
          for (let index = plain.base.index; index <= plain.lastIndex; index++) {
            const known = [...everyConfiguration.keys()].filter((candidate) => candidate <= index);
            expect(log.configurationAt(index)).toEqual(everyConfiguration.get(Math.max(...known)));
            for (const wanted of [1, term - 1, term]) {
              expect(log.lastOfTerm(index, wanted)).toBe(plain.lastOfTerm(index, wanted));
            }
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  it.each<[string, number[], number, string]>([
    ['nothing', [], 4, '4/5..4 commit 4'],
    ['what follows', [5, 6], 4, '4/5..6 commit 4'],
    ['what overlaps', [3, 4, 5, 6], 4, '3/4..6 commit 4'],
    ['what ends with it', [3, 4], 4, '3/4..4 commit 4'],
    ['what ends before it', [2, 3], 4, '4/5..4 commit 4'],
  ])('begins behind a stored snapshot at 4, with %s on the disk', (_, indexes, at, expected) => {
    const entries = indexes.map((index) => noop(index, 2));
    const log = new MemberLog({ hardState, snapshot: snapshotAt(at, 2), entries, initialConfiguration });
    expect(`${log.baseIndex}/${log.firstIndex}..${log.lastIndex} commit ${log.commit}`).toBe(expected);
    expect(log.configuration).toEqual(configurationOf(['s4']));
    expect(log.termAt(log.baseIndex)).toBe(2);
  });

  it('drops stored entries that contradict the snapshot', () => {
    const entries = [3, 4, 5].map((index) => noop(index, 1));
    const log = new MemberLog({ hardState, snapshot: snapshotAt(4, 2), entries, initialConfiguration });
    expect([log.firstIndex, log.lastIndex]).toEqual([5, 4]);
  });

  it('takes configurations from behind the snapshot only', () => {
    const entries = [configurationEntry(3, 2), noop(4, 2), configurationEntry(5, 2), noop(6, 2)];
    const log = new MemberLog({ hardState, snapshot: snapshotAt(4, 2), entries, initialConfiguration });
    expect(log.configuration).toEqual(configurationOf(['v5']));
    expect(log.configurationAt(4)).toEqual(configurationOf(['s4']));
  });

  it('commits no more than it has, whatever the disk says', () => {
    const state = { term: 9, vote: '', commit: 7 } as const;
    const log = new MemberLog({
      hardState: state,
      snapshot: undefined,
      entries: [noop(1, 1)],
      initialConfiguration,
    });
    expect(log.commit).toBe(1);
  });

  it.each([
    ['a gap behind the snapshot', [6]],
    ['a gap between entries', [5, 7]],
  ])('refuses %s', (_, indexes) => {
    const entries = indexes.map((index) => noop(index, 2));
    expect(
      () => new MemberLog({ hardState, snapshot: snapshotAt(4, 2), entries, initialConfiguration }),
    ).toThrow(/Invariant/);
  });

  it('never truncates what is committed', () => {
    const entries = [noop(1, 1), noop(2, 1)];
    const state = { term: 1, vote: '', commit: 2 } as const;
    const log = new MemberLog({ hardState: state, snapshot: undefined, entries, initialConfiguration });
    expect(() => log.truncateFrom(2)).toThrow(/Invariant/);
  });
});
