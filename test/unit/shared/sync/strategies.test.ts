import { describe, expect, it } from 'vitest';
import { isStrategyName, strategies } from '../../../../shared/sync/strategies.ts';
import type { HedgeView } from '../../../../shared/sync/strategy.ts';

describe('the table of strategies', () => {
  it('files every strategy under its own name', () => {
    for (const [name, strategy] of Object.entries(strategies)) expect(strategy.kind).toBe(name);
    expect(isStrategyName('parameterServerSynchronous')).toBe(true);
    expect(isStrategyName('toString')).toBe(false);
  });
});

describe('the synchronous parameter server', () => {
  const strategy = strategies.parameterServerSynchronous;

  it('closes a round when every unit is in, all from the current version and of equal weight', () => {
    expect([3, 4].map((unitsAccepted) => strategy.mayClose({ units: 4, unitsAccepted }))).toEqual([
      false,
      true,
    ]);
    expect([6, 7, 8].map((version) => strategy.isVersionAdmissible(version, 7))).toEqual([
      false,
      true,
      false,
    ]);
    expect([1, 64].map(strategy.contributionWeight)).toEqual([1, 1]);
  });

  const inTime: HedgeView = {
    isQueued: false,
    isHolderSilent: false,
    elapsedMs: 90,
    holderElapsedMs: 90,
    typicalMs: 100,
    expectedMs: 150,
  };

  it.each<[string, Partial<HedgeView>, boolean]>([
    ['leaves a unit in time alone', {}, false],
    ['copies a late one', { elapsedMs: 151 }, true],
    ['copies one whose holder is silent', { isHolderSilent: true }, true],
    ['copies a queued one far from starting', { isQueued: true, elapsedMs: -50, holderElapsedMs: 40 }, true],
    ['leaves a queued one about to start', { isQueued: true, elapsedMs: -10, holderElapsedMs: 90 }, false],
    ['copies one queued behind a late one', { isQueued: true, elapsedMs: 60, holderElapsedMs: 151 }, true],
  ])('%s', (_, view, verdict) => {
    expect(strategy.mayHedge({ ...inTime, ...view })).toBe(verdict);
  });

  it('copies only queued units while it knows no times', () => {
    const { typicalMs: _, expectedMs: __, ...unknown } = inTime;
    expect([true, false].map((isQueued) => strategy.mayHedge({ ...unknown, isQueued }))).toEqual([
      true,
      false,
    ]);
  });
});
