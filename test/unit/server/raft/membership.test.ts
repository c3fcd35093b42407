import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ClusterConfiguration,
  type MembershipChange,
  membersOf,
} from '../../../../server/raft/cluster-configuration.ts';
import { changeConfiguration, leaveJoint } from '../../../../server/raft/membership.ts';
import { limits } from '../../../../shared/base/limits.ts';
import { configurationOf } from './support/test-cluster.ts';

const always = (): boolean => true;

/** `+d` adds learner d, `^d` promotes, `v d` demotes (written `vd`), `-d` removes. */
function changesOf(text: string): MembershipChange[] {
  return text.split(' ').map((word): MembershipChange => {
    const id = word.slice(1);
    switch (word[0]) {
      case '+':
        return { kind: 'addLearner', id, address: `${id}:1` };
      case '^':
        return { kind: 'promote', id };
      case 'v':
        return { kind: 'demote', id };
      default:
        return { kind: 'remove', id };
    }
  });
}

/** `a b & a c / d | c`: voters, outgoing, learners, learnersNext; empty parts are left out. */
function text({ voters, outgoing, learners, learnersNext }: ClusterConfiguration): string {
  const part = (mark: string, ids: readonly string[]): string =>
    ids.length > 0 ? ` ${mark} ${ids.join(' ')}` : '';
  return `${voters.join(' ')}${part('&', outgoing)}${part('/', learners)}${part('|', learnersNext)}`;
}

const threeAndLearner = configurationOf(['a', 'b', 'c'], { learners: ['d'] });

describe('changeConfiguration', () => {
  it.each([
    ['+e', 'a b c / d e', 'a b c / d e'],
    ['-d', 'a b c', 'a b c'],
    ['^d', 'a b c d & a b c', 'a b c d'],
    ['-c', 'a b & a b c / d', 'a b / d'],
    ['-a', 'b c & a b c / d', 'b c / d'],
    ['vc', 'a b & a b c / d | c', 'a b / c d'],
    ['^d -c', 'a b d & a b c', 'a b d'],
    ['^d vc', 'a b d & a b c | c', 'a b d / c'],
    ['-a -b', 'c & a b c / d', 'c / d'],
    ['^d -a -b -c', 'd & a b c', 'd'],
    ['+e -c', 'a b & a b c / d e', 'a b / d e'],
    ['vc ^c', 'a b c / d', 'a b c / d'],
    ['vc -c', 'a b & a b c / d', 'a b / d'],
  ])('%s leads over "%s" to "%s"', (changes, joint, final) => {
    const outcome = changeConfiguration(threeAndLearner, changesOf(changes), always);
    if (outcome.kind === 'bad') throw new Error(outcome.message);
    expect(text(outcome.configuration)).toBe(joint);
    expect(Object.keys(outcome.configuration.addresses)).toEqual(membersOf(outcome.configuration));
    const left = leaveJoint(outcome.configuration);
    expect(text(left)).toBe(final);
    expect(Object.keys(left.addresses)).toEqual(membersOf(left));
  });

  it.each([
    ['-a -b -c', /needs a voter/],
    ['va vb vc', /needs a voter/],
    ['+a', /member already/],
    ['+d', /member already/],
    ['+e +e', /member already/],
    ['-c +c', /another name/],
    ['^a', /not a learner/],
    ['^z', /not a learner/],
    ['^d ^d', /not a learner/],
    ['vd', /not a voter/],
    ['vz', /not a voter/],
    ['-z', /not a member/],
    ['-c -c', /not a member/],
  ])('%s is refused', (changes, message) => {
    const outcome = changeConfiguration(threeAndLearner, changesOf(changes), always);
    expect(outcome).toMatchObject({ kind: 'bad', message: expect.stringMatching(message) });
  });

  it('refuses no change, too many members, and a learner that lags', () => {
    const many = Array.from({ length: limits.raftMembersMax }, (_, place) => `+m${place}`).join(' ');
    for (const [changes, caughtUp, message] of [
      [[], true, /No change/],
      [changesOf(many), true, /at most/],
      [changesOf('^d'), false, /not caught up/],
    ] as const) {
      const outcome = changeConfiguration(threeAndLearner, changes, () => caughtUp);
      expect(outcome).toMatchObject({ kind: 'bad', message: expect.stringMatching(message) });
    }
  });

  it('ends where the changes lead, one after the other, and counts the voters of both sides until then', () => {
    const id = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
    const change = fc.tuple(fc.constantFrom('+', '^', 'v', '-'), id).map((pair) => pair.join(''));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 5 }), (words) => {
        const outcome = changeConfiguration(threeAndLearner, changesOf(words.join(' ')), always);
        fc.pre(outcome.kind === 'changed');
        const role = new Map([
          ['a', 'voter'],
          ['b', 'voter'],
          ['c', 'voter'],
          ['d', 'learner'],
        ]);
        for (const word of words) {
          if (word[0] === '-') role.delete(word.slice(1));
          else role.set(word.slice(1), word[0] === '^' ? 'voter' : 'learner');
        }
        const having = (wanted: string) =>
          [...role].flatMap(([member, is]) => (is === wanted ? [member] : [])).sort();
        const left = leaveJoint(outcome.configuration);
        expect(left).toEqual(configurationOf(having('voter'), { learners: having('learner') }));
        const { voters, outgoing } = outcome.configuration;
        expect(voters).toEqual(left.voters);
        expect(outgoing).toEqual(voters.join() === 'a,b,c' ? [] : ['a', 'b', 'c']);
      }),
      { numRuns: 2_000 },
    );
  });
});
