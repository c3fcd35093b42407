import { describe, expect, it } from 'vitest';
import { fullWeight, weighContribution } from '../../../../shared/sync/contribution-weight.ts';
import { strategies, strategyOf } from '../../../../shared/sync/strategies.ts';
import type { HedgeView, RoundView } from '../../../../shared/sync/strategy.ts';
import type { RoundStrategySpec } from '../../../../shared/sync/strategy-spec.ts';

const specs: { readonly [Name in RoundStrategySpec['kind']]: Extract<RoundStrategySpec, { kind: Name }> } = {
  parameterServerSynchronous: { kind: 'parameterServerSynchronous' },
  parameterServerAsynchronous: { kind: 'parameterServerAsynchronous', buffer: 3, stalenessMax: 2 },
  ringAllReduce: { kind: 'ringAllReduce' },
};

it('files every strategy under its own name', () => {
  expect(Object.keys(strategies).toSorted()).toEqual(Object.keys(specs).toSorted());
  for (const [name, spec] of Object.entries(specs)) expect(strategyOf(spec).kind).toBe(name);
});

const open: RoundView = { units: 8, unitsAccepted: 6, unitsReducing: 0, openMs: 300, deadlineMs: () => 200 };
const fresh = { staleness: 0, pace: 1, reliability: 1 };

describe('the synchronous parameter server', () => {
  const strategy = strategyOf(specs.parameterServerSynchronous);

  it('closes a round when every unit is in, all from the current version and of equal weight', () => {
    expect([7, 8].map((unitsAccepted) => strategy.mayClose({ ...open, unitsAccepted, openMs: 1e9 }))).toEqual(
      [false, true],
    );
    expect(strategy).toMatchObject({ isEndless: false, stalenessMax: 0 });
    expect(strategy.contributionsMax(8)).toBe(8);
    expect(strategy.contributionWeight({ staleness: 0, pace: 9, reliability: 0.1 })).toBe(1);
  });

  it.each<[string, Partial<RoundView>, boolean]>([
    ['closes late with a quorum', {}, true],
    ['waits until it is late', { openMs: 199 }, false],
    ['waits while it knows no times', { deadlineMs: () => undefined }, false],
    ['waits for the quorum', { unitsAccepted: 5 }, false],
    ['waits for the reducer, whose sum must be the one that was counted', { unitsReducing: 1 }, false],
    ['closes at once when all are in', { unitsAccepted: 8, openMs: 0 }, true],
  ])('%s of three quarters', (_, view, verdict) => {
    const quorum = strategyOf({ kind: 'parameterServerSynchronous', quorum: 0.75 });
    expect(quorum.mayClose({ ...open, ...view })).toBe(verdict);
  });

  it('asks for the time that units take only when a quorum of them is in', () => {
    const deadlineMs = (): never => {
      throw new Error('nobody needs it');
    };
    const counted = [0, 5, 7, 8];
    const closes = (quorum: number) => {
      const strategy = strategyOf({ kind: 'parameterServerSynchronous', quorum });
      return counted.map((unitsAccepted) => strategy.mayClose({ ...open, unitsAccepted, deadlineMs }));
    };
    expect(closes(1)).toEqual([false, false, false, true]);
    expect(() => closes(0.75)).toThrow('nobody needs it');
  });

  it('needs one unit whatever the quorum', () => {
    const quorum = strategyOf({ kind: 'parameterServerSynchronous', quorum: 0.001 });
    expect([0, 1].map((unitsAccepted) => quorum.mayClose({ ...open, unitsAccepted }))).toEqual([false, true]);
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

describe('the asynchronous parameter server', () => {
  const strategy = strategyOf(specs.parameterServerAsynchronous);

  it('closes after as many contributions as its buffer holds, and never runs out of units', () => {
    const views = [2, 3].map((unitsAccepted) => ({ ...open, unitsAccepted, openMs: 0 }));
    expect(views.map((view) => strategy.mayClose(view))).toEqual([false, true]);
    expect(strategy.mayClose({ ...open, unitsAccepted: 3, unitsReducing: 1 })).toBe(false);
    expect(strategy).toMatchObject({ isEndless: true, stalenessMax: 2 });
    expect(strategy.contributionsMax(8)).toBe(3);
  });

  it('counts what is stale less', () => {
    const weightOf = (staleness: number) => strategy.contributionWeight({ ...fresh, staleness });
    expect([0, 1, 2, 3, 4, 5, 8, 12, 28, 1_000].map(weightOf)).toEqual([8, 6, 5, 4, 4, 3, 3, 2, 1, 1]);
  });
});

it('closes a ring as the synchronous server, with equal weights', () => {
  const ring = strategyOf(specs.ringAllReduce);
  expect([7, 8].map((unitsAccepted) => ring.mayClose({ ...open, unitsAccepted, openMs: 1e9 }))).toEqual([
    false,
    true,
  ]);
  expect(ring.contributionWeight({ ...fresh, pace: 9 })).toBe(1);
});

describe('measured weights', () => {
  it('fall with what a worker failed to return and with its slowness, and stay whole', () => {
    const weigh = (view: Partial<typeof fresh>) => weighContribution('measured', { ...fresh, ...view });
    expect(weigh({})).toBe(fullWeight);
    expect(weigh({ reliability: 0.5 })).toBe(4);
    expect(weigh({ pace: 4 })).toBe(4);
    expect(weigh({ pace: 4, reliability: 0.5, staleness: 3 })).toBe(1);
    expect(weigh({ reliability: 0 })).toBe(1);
  });

  it('are used by either strategy that asks for them', () => {
    for (const spec of [specs.parameterServerSynchronous, specs.parameterServerAsynchronous]) {
      const measured = strategyOf({ ...spec, weighting: 'measured' });
      expect(measured.contributionWeight({ ...fresh, reliability: 0.5 })).toBe(4);
    }
  });
});
