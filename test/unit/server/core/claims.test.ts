import { describe, expect, it } from 'vitest';
import { createClaims } from '../../../../server/core/claims.ts';
import { hashOf } from './fixtures.ts';

const [one, two] = [hashOf('one'), hashOf('two')];

describe('a claim', () => {
  it('lasts until its command is decided', () => {
    const claims = createClaims();
    claims.add(one, 3);
    expect([claims.has(one), claims.has(two)]).toEqual([true, false]);
    claims.settle(one);
    claims.settle(two);
    expect(claims.has(one)).toBe(false);
    expect(claims.reach(9)).toEqual([]);
  });

  it('is void when a later epoch is reached, and not by one of its own', () => {
    const claims = createClaims();
    claims.add(one, 3);
    claims.add(two, 4);
    expect(claims.reach(3)).toEqual([]);
    expect(claims.reach(4)).toEqual([one]);
    expect(claims.reach(4)).toEqual([]);
    expect(claims.reach(2)).toEqual([]);
    expect([claims.has(one), claims.has(two), claims.appliedEpoch]).toEqual([false, true, 4]);
  });

  it('is of the newest leader that counts on the blob', () => {
    const claims = createClaims();
    for (const epoch of [3, 5, 4]) claims.add(one, epoch);
    expect(claims.reach(5)).toEqual([]);
    expect(claims.reach(6)).toEqual([one]);
  });
});
