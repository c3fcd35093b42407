import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createUnitPool, type UnitPool } from '../../../../server/core/unit-pool.ts';
import { asLeaseId, type LeaseId } from '../../../../shared/base/ids.ts';
import { limits } from '../../../../shared/base/limits.ts';

/** The same in the plainest way: one record a unit, everything found by looking at all of them. */
class Oracle {
  readonly units: { leases: LeaseId[]; isReducing: boolean; isDone: boolean }[];

  constructor(count: number) {
    this.units = Array.from({ length: count }, () => ({ leases: [], isReducing: false, isDone: false }));
  }

  status(at: number): string {
    const unit = this.units[at];
    if (unit === undefined || unit.isDone) return 'done';
    if (unit.isReducing) return 'reducing';
    return unit.leases.length > 0 ? 'leased' : 'free';
  }

  all(status: string): number[] {
    return this.units.map((_, at) => at).filter((at) => this.status(at) === status);
  }
}

type Action = 'lease' | 'hedge' | 'release' | 'reduce' | 'fail' | 'finish';

function act(pool: UnitPool, oracle: Oracle, action: Action, choice: number, lease: LeaseId): void {
  const pick = (units: readonly number[]): number | undefined => units[choice % Math.max(1, units.length)];
  if (action === 'lease') {
    const unit = pool.peekFree();
    if (unit === undefined) return;
    expect(oracle.status(unit)).toBe('free');
    pool.lease(unit, lease);
    oracle.units[unit]?.leases.push(lease);
    return;
  }
  const wanted = {
    hedge: 'leased',
    release: 'leased',
    reduce: 'leased',
    fail: 'reducing',
    finish: 'reducing',
  };
  const candidates = action === 'hedge' ? [...pool.hedgeable()] : oracle.all(wanted[action]);
  const unit = pick(candidates);
  const model = unit === undefined ? undefined : oracle.units[unit];
  if (unit === undefined || model === undefined) return;
  const [held] = model.leases;
  if (action === 'hedge') {
    pool.lease(unit, lease);
    model.leases.push(lease);
  } else if (action === 'fail') {
    pool.failReducing(unit);
    model.isReducing = false;
  } else if (action === 'finish') {
    expect(pool.finish(unit)).toEqual(model.leases);
    Object.assign(model, { leases: [], isReducing: false, isDone: true });
  } else if (held !== undefined) {
    model.leases.shift();
    model.isReducing = action === 'reduce';
    if (action === 'reduce') pool.beginReducing(unit, held);
    else pool.release(unit, held);
  }
}

describe('a pool of units', () => {
  const actions = fc.constantFrom<Action>(
    'lease',
    'lease',
    'hedge',
    'release',
    'reduce',
    'reduce',
    'fail',
    'finish',
  );

  it('agrees with the plainest bookkeeping', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.array(fc.tuple(actions, fc.nat(7))), (count, steps) => {
        const pool = createUnitPool(count);
        const oracle = new Oracle(count);
        steps.forEach(([action, choice], at) => {
          act(pool, oracle, action, choice, asLeaseId(`${at}`));
          for (let unit = 0; unit < count; unit++) {
            expect(pool.statusOf(unit)).toBe(oracle.status(unit));
            expect(pool.leasesOf(unit)).toEqual(oracle.units[unit]?.leases);
          }
          expect(pool.freeCount).toBe(oracle.all('free').length);
          expect(pool.doneCount).toBe(oracle.all('done').length);
          const isShort = (unit: number) => pool.leasesOf(unit).length < limits.leasesPerUnitMax;
          expect([...pool.hedgeable()].sort()).toEqual(oracle.all('leased').filter(isShort).sort());
        });
      }),
    );
  });

  it('hands out units in order, and a freed one next', () => {
    const pool = createUnitPool(3);
    pool.lease(0, asLeaseId('x'));
    pool.lease(1, asLeaseId('y'));
    pool.release(0, asLeaseId('x'));
    expect(pool.peekFree()).toBe(0);
  });
});
