import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isMajority, votersOf } from '../../../../../server/runtime/blobs/blob-majority.ts';

const configuration = (voters: readonly string[], outgoing: readonly string[] = []) => ({
  voters,
  outgoing,
  learners: ['learner'],
  learnersNext: [],
  addresses: {},
});

it.each<[readonly string[], readonly string[], readonly string[], boolean]>([
  [['a'], [], ['a'], true],
  [['a', 'b'], [], ['a'], false],
  [['a', 'b', 'c'], [], ['a', 'c'], true],
  [['a', 'b', 'c'], [], ['a', 'learner', 'stranger'], false],
  [['a', 'b', 'c', 'd'], [], ['a', 'b'], false],
  [['a', 'b', 'c'], ['a', 'd', 'e'], ['a', 'b'], false],
  [['a', 'b', 'c'], ['a', 'd', 'e'], ['a', 'b', 'e'], true],
])('of %j and %j, %j is a majority: %s', (voters, outgoing, holders, expected) => {
  expect(isMajority(configuration(voters, outgoing), new Set(holders))).toBe(expected);
});

it('meets every other majority of the same voters', () => {
  const members = fc.subarray(['a', 'b', 'c', 'd', 'e', 'f'], { minLength: 1 });
  fc.assert(
    fc.property(members, members, members, (voters, one, other) => {
      const both = [one, other].every((holders) => isMajority(configuration(voters), new Set(holders)));
      if (both) expect(one.some((id) => voters.includes(id) && other.includes(id))).toBe(true);
    }),
  );
});

it('counts each voter once', () => {
  expect(votersOf(configuration(['a', 'b'], ['b', 'c']))).toEqual(['a', 'b', 'c']);
});
