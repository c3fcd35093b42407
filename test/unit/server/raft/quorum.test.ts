import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ClusterConfiguration, NodeId } from '../../../../server/raft/cluster-configuration.ts';
import { quorumValue, type VoteOutcome, voteOutcome } from '../../../../server/raft/quorum.ts';
import { configurationOf } from './support/test-cluster.ts';

/** Sorts, as the definition says it: what the member in the middle has reached, or more than half have. */
function oracleMajorityValue(values: readonly number[]): number {
  if (values.length === 0) return Number.POSITIVE_INFINITY;
  const descending = [...values].sort((left, right) => right - left);
  return descending[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Tries every way in which the missing votes may fall. */
function oracleMajorityOutcome(votes: readonly (boolean | undefined)[]): VoteOutcome {
  if (votes.length === 0) return 'won';
  const results = new Set<boolean>();
  const missing = votes.filter((vote) => vote === undefined).length;
  for (let yes = 0; yes <= missing; yes++) {
    results.add(votes.filter((vote) => vote).length + yes > votes.length / 2);
  }
  if (results.size === 2) return 'pending';
  return results.has(true) ? 'won' : 'lost';
}

const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
const someIds = fc.subarray(ids);
const configuration = fc
  .tuple(someIds, someIds)
  .map(([voters, outgoing]) => configurationOf(voters, { outgoing }));

describe('quorumValue', () => {
  it.each<[string, string[], string[], Record<NodeId, number>, number]>([
    ['nobody objects', [], [], {}, Number.POSITIVE_INFINITY],
    ['one decides alone', ['a'], [], { a: 7 }, 7],
    ['one that never answered', ['a'], [], {}, 0],
    ['two must agree', ['a', 'b'], [], { a: 7, b: 3 }, 3],
    ['two of three', ['a', 'b', 'c'], [], { a: 7, b: 3, c: 5 }, 5],
    ['two of three, one silent', ['a', 'b', 'c'], [], { a: 7, b: 3 }, 3],
    ['two of three, two silent', ['a', 'b', 'c'], [], { a: 7 }, 0],
    ['three of four', ['a', 'b', 'c', 'd'], [], { a: 9, b: 8, c: 7, d: 6 }, 7],
    ['three of five', ['a', 'b', 'c', 'd', 'e'], [], { a: 9, b: 8, c: 7, d: 6, e: 5 }, 7],
    ['equal values', ['a', 'b', 'c'], [], { a: 4, b: 4, c: 4 }, 4],
    ['strangers do not count', ['a', 'b', 'c'], [], { a: 4, b: 1, c: 1, d: 9, e: 9 }, 1],
    ['the outgoing side holds back', ['a', 'b', 'c'], ['d'], { a: 9, b: 9, c: 9, d: 2 }, 2],
    ['the incoming side holds back', ['d'], ['a', 'b', 'c'], { a: 9, b: 9, c: 9, d: 2 }, 2],
    ['one on both sides counts on both', ['a', 'b'], ['a', 'c'], { a: 9, b: 6, c: 4 }, 4],
    ['growing from one to three', ['a', 'b', 'c'], ['a'], { a: 9, b: 6 }, 6],
    ['shrinking from three to one', ['a'], ['a', 'b', 'c'], { a: 9 }, 0],
    ['replacing one of three', ['a', 'b', 'd'], ['a', 'b', 'c'], { a: 9, d: 9, c: 5 }, 5],
    ['replacing one of three, in vain', ['a', 'b', 'd'], ['a', 'b', 'c'], { a: 9, d: 9 }, 0],
    ['disjoint sides', ['a', 'b', 'c'], ['d', 'e', 'f'], { a: 9, b: 8, d: 3, e: 2 }, 2],
  ])('%s', (_, voters, outgoing, values, expected) => {
    expect(quorumValue(configurationOf(voters, { outgoing }), (id) => values[id] ?? 0)).toBe(expected);
  });

  it('is what a sorted list says', () => {
    fc.assert(
      fc.property(
        configuration,
        fc.array(fc.nat({ max: 9 }), { minLength: 7, maxLength: 7 }),
        (sides, values) => {
          const reachedBy = (id: NodeId): number => values[ids.indexOf(id)] ?? 0;
          const expected = Math.min(
            oracleMajorityValue(sides.voters.map(reachedBy)),
            oracleMajorityValue(sides.outgoing.map(reachedBy)),
          );
          expect(quorumValue(sides, reachedBy)).toBe(expected);
        },
      ),
      { numRuns: 5_000 },
    );
  });

  it('never falls when a value rises', () => {
    fc.assert(
      fc.property(
        configuration,
        fc.array(fc.nat({ max: 9 }), { minLength: 7, maxLength: 7 }),
        fc.nat({ max: 6 }),
        (sides, values, risen) => {
          const before = quorumValue(sides, (id) => values[ids.indexOf(id)] ?? 0);
          const after = quorumValue(
            sides,
            (id) => (values[ids.indexOf(id)] ?? 0) + (id === ids[risen] ? 1 : 0),
          );
          expect(after).toBeGreaterThanOrEqual(before);
        },
      ),
    );
  });
});

const answers: Readonly<Record<string, boolean | undefined>> = { y: true, n: false, '-': undefined };

/** `a=y b=n`: who has answered what. */
function votesOf(text: string): ReadonlyMap<NodeId, boolean> {
  const votes = new Map<NodeId, boolean>();
  for (const part of text.split(' ').filter(Boolean)) {
    const [id = '', answer = ''] = part.split('=');
    const vote = answers[answer];
    if (vote !== undefined) votes.set(id, vote);
  }
  return votes;
}

describe('voteOutcome', () => {
  it.each<[string, string[], string[], VoteOutcome]>([
    ['', [], [], 'won'],
    ['', ['a'], [], 'pending'],
    ['a=y', ['a'], [], 'won'],
    ['a=n', ['a'], [], 'lost'],
    ['a=y', ['a', 'b'], [], 'pending'],
    ['a=y b=n', ['a', 'b'], [], 'lost'],
    ['a=y b=y', ['a', 'b'], [], 'won'],
    ['a=y b=n', ['a', 'b', 'c'], [], 'pending'],
    ['a=y b=n c=y', ['a', 'b', 'c'], [], 'won'],
    ['b=n c=n', ['a', 'b', 'c'], [], 'lost'],
    ['a=y d=y e=y', ['a', 'b', 'c'], [], 'pending'],
    ['a=y b=y', ['a', 'b', 'c', 'd'], [], 'pending'],
    ['a=n b=n', ['a', 'b', 'c', 'd'], [], 'lost'],
    ['a=y b=y c=y', ['a', 'b', 'c', 'd', 'e'], [], 'won'],
    ['a=y b=y', ['a', 'b', 'c'], ['d', 'e', 'f'], 'pending'],
    ['a=y b=y d=y', ['a', 'b', 'c'], ['d', 'e', 'f'], 'pending'],
    ['a=y b=y d=y e=y', ['a', 'b', 'c'], ['d', 'e', 'f'], 'won'],
    ['a=y b=y d=n e=n', ['a', 'b', 'c'], ['d', 'e', 'f'], 'lost'],
    ['a=n b=n', ['a', 'b', 'c'], ['d', 'e', 'f'], 'lost'],
    ['a=y', ['a', 'b', 'c'], ['a'], 'pending'],
    ['b=y c=y', ['a', 'b', 'c'], ['a'], 'pending'],
    ['a=n b=y c=y', ['a', 'b', 'c'], ['a'], 'lost'],
    ['a=y b=y', ['a', 'b', 'd'], ['a', 'b', 'c'], 'won'],
    ['a=y d=y', ['a', 'b', 'd'], ['a', 'b', 'c'], 'pending'],
  ])('"%s" of %j and %j: %s', (text, voters, outgoing, expected) => {
    expect(voteOutcome(configurationOf(voters, { outgoing }), votesOf(text))).toBe(expected);
  });

  it('is what trying out the missing votes says', () => {
    const vote = fc.constantFrom(true, false, undefined);
    fc.assert(
      fc.property(configuration, fc.array(vote, { minLength: 7, maxLength: 7 }), (sides, list) => {
        const votes = new Map(
          ids.flatMap((id, place) => (list[place] === undefined ? [] : [[id, list[place]]])),
        );
        expect(voteOutcome(sides, votes)).toBe(oracleOutcome(sides, votes));
      }),
      { numRuns: 5_000 },
    );
  });

  it('lets no two candidates win the same votes', () => {
    const choice = fc.constantFrom('one', 'other', undefined);
    fc.assert(
      fc.property(configuration, fc.array(choice, { minLength: 7, maxLength: 7 }), (sides, choices) => {
        fc.pre(sides.voters.length > 0);
        const votesFor = (candidate: string) =>
          new Map(ids.flatMap((id, place) => (choices[place] ? [[id, choices[place] === candidate]] : [])));
        const outcomes = ['one', 'other'].map((candidate) => voteOutcome(sides, votesFor(candidate)));
        expect(outcomes.filter((outcome) => outcome === 'won').length).toBeLessThanOrEqual(1);
      }),
    );
  });
});

function oracleOutcome(
  { voters, outgoing }: ClusterConfiguration,
  votes: ReadonlyMap<NodeId, boolean>,
): VoteOutcome {
  const outcomes = [voters, outgoing].map((side) => oracleMajorityOutcome(side.map((id) => votes.get(id))));
  if (outcomes.includes('lost')) return 'lost';
  return outcomes.includes('pending') ? 'pending' : 'won';
}
