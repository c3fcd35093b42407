import { describe, expect, it } from 'vitest';
import { loneMember, storedTerms } from './support/letters.ts';
import { logText, TestCluster } from './support/test-cluster.ts';

describe('a cluster of one', () => {
  it('leads at its first tick, and commits what is durable', () => {
    const cluster = new TestCluster({ voters: ['a'] });
    cluster.tick('a');
    expect(cluster.status('a').role).toBe('leader');
    expect(cluster.propose('a', 'one')).toEqual({ kind: 'accepted', index: 2, term: 1 });
    cluster.settle();
    expect(logText(cluster.member('a').applied)).toBe('1 1:one');
  });

  it('commits nothing before its own disk has it', () => {
    const cluster = new TestCluster({ voters: ['a'] });
    const a = cluster.member('a');
    a.isDiskHeld = true;
    cluster.tick('a', 50);
    expect(cluster.status('a')).toMatchObject({ role: 'candidate', term: 1 });
    a.releaseDisk();
    expect(cluster.status('a')).toMatchObject({ role: 'leader', commit: 0 });
    a.releaseDisk();
    expect(cluster.status('a')).toMatchObject({ role: 'leader', commit: 1 });
  });
});

describe('a cluster of three', () => {
  it('elects one leader, which commits and tells the others', () => {
    const cluster = new TestCluster({ voters: ['a', 'b', 'c'] });
    for (let ticks = 0; ticks < 200 && cluster.leaders().length === 0; ticks++) cluster.tickAll();
    const [leader = ''] = cluster.leaders();
    for (const text of ['one', 'two']) expect(cluster.propose(leader, text).kind).toBe('accepted');
    cluster.settle();
    for (const { applied } of cluster.members.values())
      expect(logText(applied)).toMatch(/1:one 1:two$|^(\d+) \1:one \1:two$/);
  });

  it('goes on from its disks after a restart of all', () => {
    const cluster = new TestCluster({ voters: ['a', 'b', 'c'] });
    cluster.elect('a');
    cluster.propose('a', 'one');
    cluster.settle();
    for (const member of cluster.members.values()) member.restart();
    cluster.elect('b');
    cluster.propose('b', 'two');
    cluster.settle();
    for (const { applied } of cluster.members.values()) expect(logText(applied)).toBe('1 1:one 2 2:two');
  });

  it('replaces what a deposed leader could not commit', () => {
    const cluster = new TestCluster({ voters: ['a', 'b', 'c'] });
    cluster.elect('a');
    cluster.isolate('a');
    cluster.propose('a', 'lost');
    cluster.settle();
    cluster.elect('b');
    cluster.propose('b', 'kept');
    cluster.settle();
    cluster.heal();
    cluster.tickAll(3);
    expect(cluster.leaders()).toEqual(['b']);
    expect(logText(cluster.member('a').disk.entries)).toBe('1 2 2:kept');
  });
});

describe('a disk', () => {
  it('that holds entries of a term that it does not know is refused', () => {
    expect(() => loneMember(storedTerms([1, 2], { term: 1 }))).toThrow(/durable before its entries/);
  });
});
