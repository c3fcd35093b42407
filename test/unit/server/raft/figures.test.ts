import { describe, expect, it } from 'vitest';
import type { Entry } from '../../../../server/raft/entry.ts';
import type { Message } from '../../../../server/raft/message.ts';
import type { RaftStored } from '../../../../server/raft/raft.ts';
import { logText, TestCluster } from './support/test-cluster.ts';

/** A disk with empty entries of these terms, in the term of the last unless said. */
function stored(terms: readonly number[], term = terms.at(-1) ?? 0): Partial<RaftStored> {
  const entries = terms.map((entryTerm, place): Entry => {
    return { index: place + 1, term: entryTerm, body: { kind: 'noop' } };
  });
  return { entries, hardState: { term, vote: '', commit: 0 } };
}

const leaderTerms = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6];

/** Ongaro and Ousterhout 2014, figure 7: what a new leader of term 8 may meet. */
describe('figure 7', () => {
  it.each<[string, readonly number[], number]>([
    ['a, which misses an entry', [1, 1, 1, 4, 4, 5, 5, 6, 6], 6],
    ['b, which misses many', [1, 1, 1, 4], 4],
    ['c, with one uncommitted entry more', [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6], 6],
    ['d, with entries of a later term', [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7], 7],
    ['e, which misses some and has others', [1, 1, 1, 4, 4, 4, 4], 4],
    ['f, which led twice without committing', [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3], 3],
  ])('the leader brings its log to follower %s', (_, terms, term) => {
    const cluster = new TestCluster({
      voters: ['a', 'b', 'c'],
      stored: { a: stored(leaderTerms, 7), b: stored(terms, term), c: stored([], 7) },
    });
    // The third member elects a whatever the follower has, which the paper leaves to others of a larger cluster.
    cluster.elect('a');
    expect(cluster.status('a')).toMatchObject({ term: 8, commit: 11 });
    expect(logText(cluster.member('b').disk.entries)).toBe('1 1 1 4 4 5 5 6 6 6 8');
    expect(cluster.status('b')).toMatchObject({ commit: 11, leader: 'a' });
    expect(logText(cluster.member('b').applied)).toBe('1 1 1 4 4 5 5 6 6 6 8');
  });

  it('needs one refusal for each term that disagrees, not one for each entry', () => {
    const cluster = new TestCluster({
      voters: ['a', 'b', 'c'],
      stored: {
        a: stored(leaderTerms, 7),
        b: stored([1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3], 3),
        c: stored([], 7),
      },
    });
    let refusals = 0;
    cluster.passes = (message) => {
      if (message.kind === 'appendReply' && message.from === 'b' && message.reject) refusals += 1;
      return true;
    };
    cluster.elect('a');
    expect(logText(cluster.member('b').disk.entries)).toBe('1 1 1 4 4 5 5 6 6 6 8');
    expect(refusals).toBeLessThanOrEqual(2);
  });
});

/**
 * A cluster of five between figure 8 (b) and (c): S1 led term 2, S5 term 3 with the vote of S3 and S4, and both crashed.
 */
function figure8b(): TestCluster {
  const stored8 = {
    s1: stored([1, 2], 3),
    s2: stored([1, 2], 3),
    s3: stored([1], 3),
    s4: stored([1], 3),
    s5: stored([1, 3], 3),
  };
  return new TestCluster({ voters: Object.keys(stored8), stored: stored8 });
}

/** Nothing goes from or to these. */
function without(...ids: string[]): (message: Message) => boolean {
  return ({ from, to }) => !ids.includes(from) && !ids.includes(to);
}

/** Ongaro and Ousterhout 2014, figure 8: why entries of earlier terms are not committed by counting. */
describe('figure 8', () => {
  it('does not commit the entry of term 2 by counting, and S5 may replace it', () => {
    const cluster = figure8b();
    const isReachable = without('s5');
    cluster.passes = (message) => isReachable(message) && message.kind !== 'append';
    cluster.elect('s1');
    expect(cluster.status('s1').term).toBe(4);
    // (c): the entry of term 2 arrives at a majority, and the one of term 4 at nobody.
    const entry: Entry = { index: 2, term: 2, body: { kind: 'noop' } };
    for (const to of ['s2', 's3']) {
      const append = {
        kind: 'append',
        previousIndex: 1,
        previousTerm: 1,
        entries: [entry],
        commit: 0,
      } as const;
      cluster.member(to).raft.step({ ...append, from: 's1', to, term: 4 });
    }
    cluster.settle();
    expect(cluster.status('s1').progress.get('s3')?.matchIndex).toBe(2);
    const holders = ['s1', 's2', 's3'].map((id) => logText(cluster.member(id).disk.entries.slice(0, 2)));
    expect(holders).toEqual(['1 2', '1 2', '1 2']);
    expect(cluster.status('s1').commit).toBe(0);

    // (d): S1 crashes, S5 is elected by those whose last term is not above 3, and replaces the entry everywhere.
    cluster.passes = without('s1');
    cluster.campaign('s5', 4);
    expect(cluster.status('s5')).toMatchObject({ role: 'leader', term: 5 });
    for (const id of ['s2', 's3', 's4', 's5']) {
      expect(logText(cluster.member(id).applied)).toBe('1 3 5');
    }
  });

  it('commits both entries with one of the current term on a majority, and S5 cannot win any more', () => {
    const cluster = figure8b();
    cluster.passes = without('s4', 's5');
    cluster.elect('s1');
    expect(cluster.status('s1')).toMatchObject({ term: 4, commit: 3 });
    expect(logText(cluster.member('s3').applied)).toBe('1 2 4');

    // (e): S1 crashes, and S5 gets the vote of S4 alone.
    cluster.passes = without('s1');
    cluster.campaign('s5', 4);
    expect(cluster.status('s5')).toMatchObject({ role: 'candidate', term: 5 });
    cluster.elect('s2');
    for (const id of ['s2', 's3', 's4', 's5']) {
      expect(logText(cluster.member(id).applied)).toBe('1 2 4 6');
    }
  });
});
