import { assert } from '../../shared/base/assert.ts';
import type { LeaseId } from '../../shared/base/ids.ts';
import { limits } from '../../shared/base/limits.ts';

type UnitStatus = 'free' | 'leased' | 'reducing' | 'done';

/**
 * The units of one round or one evaluation, each with its live leases. Invariants: a unit is on the free stack exactly
 * when its status is `free`, has live leases when it is `leased`, and leaves `done` only by `lose`. Every operation is O(1).
 */
export interface UnitPool {
  /** Those that there are so far, where there is no end of them. */
  readonly units: number;
  readonly doneCount: number;
  readonly freeCount: number;
  /** Units that somebody computes, or whose result is being reduced. */
  readonly busyCount: number;
  /** The next unit to hand out. */
  peekFree(): number | undefined;
  statusOf(unit: number): UnitStatus;
  leasesOf(unit: number): readonly LeaseId[];
  lease(unit: number, leaseId: LeaseId): void;
  /** The lease is over without a result; its unit becomes free unless somebody else computes it. */
  release(unit: number, leaseId: LeaseId): void;
  /** A result of this lease is being reduced. */
  beginReducing(unit: number, leaseId: LeaseId): void;
  /** The values were refused. */
  failReducing(unit: number): void;
  /** Counts the unit. Returns the leases of the copies that lost. */
  finish(unit: number): readonly LeaseId[];
  /** The result of a unit that was counted is gone: it becomes free. */
  lose(unit: number): void;
  /** From here on there are no more units than there are. */
  end(): void;
  /** Units that are leased to fewer workers than may compute one, least recently leased first. */
  hedgeable(): IterableIterator<number>;
}

/** With `unitsMax` above `units`, more units come into being as they are leased. */
export function createUnitPool(units: number, unitsMax = units): UnitPool {
  const status = new Array<UnitStatus>(units).fill('free');
  const leases = Array.from({ length: units }, (): LeaseId[] => []);
  const free = Array.from({ length: units }, (_, index) => units - 1 - index);
  const hedgeable = new Set<number>();
  let doneCount = 0;
  let end = unitsMax;

  const leasesOf = (unit: number): LeaseId[] => {
    const held = leases[unit];
    assert(held !== undefined, `unit ${unit} is in the pool`);
    return held;
  };
  const dropLease = (unit: number, leaseId: LeaseId): void => {
    const held = leasesOf(unit);
    const at = held.indexOf(leaseId);
    assert(at >= 0, `unit ${unit} has lease ${leaseId}`);
    held.splice(at, 1);
  };
  /** After leases were dropped: the status follows from what is left. */
  const settle = (unit: number): void => {
    const isHeld = leasesOf(unit).length > 0;
    status[unit] = isHeld ? 'leased' : 'free';
    if (isHeld) {
      hedgeable.add(unit);
    } else {
      hedgeable.delete(unit);
      free.push(unit);
    }
  };

  return {
    get units() {
      return status.length;
    },
    get doneCount() {
      return doneCount;
    },
    get freeCount() {
      return free.length;
    },
    get busyCount() {
      return status.length - free.length - doneCount;
    },
    peekFree: () => free.at(-1) ?? (status.length < end ? status.length : undefined),
    statusOf: (unit) => status[unit] ?? 'done',
    leasesOf,
    lease(unit, leaseId) {
      if (unit === status.length && unit < end) {
        status.push('free');
        leases.push([]);
        free.push(unit);
      }
      const before = status[unit];
      assert(before === 'free' || before === 'leased', `unit ${unit} may be leased`);
      if (before === 'free') assert(free.pop() === unit, `unit ${unit} is the next free one`);
      status[unit] = 'leased';
      const copies = leasesOf(unit).push(leaseId);
      hedgeable.delete(unit);
      if (copies < limits.leasesPerUnitMax) hedgeable.add(unit);
    },
    release(unit, leaseId) {
      dropLease(unit, leaseId);
      if (status[unit] === 'leased') settle(unit);
    },
    beginReducing(unit, leaseId) {
      assert(status[unit] === 'leased', `unit ${unit} is leased`);
      dropLease(unit, leaseId);
      status[unit] = 'reducing';
      hedgeable.delete(unit);
    },
    failReducing(unit) {
      assert(status[unit] === 'reducing', `unit ${unit} is being reduced`);
      settle(unit);
    },
    finish(unit) {
      assert(status[unit] === 'reducing' || status[unit] === 'leased', `unit ${unit} has a result`);
      status[unit] = 'done';
      doneCount += 1;
      hedgeable.delete(unit);
      return leasesOf(unit).splice(0);
    },
    lose(unit) {
      assert(status[unit] === 'done', `unit ${unit} was counted`);
      doneCount -= 1;
      settle(unit);
    },
    end() {
      end = status.length;
    },
    hedgeable: () => hedgeable.values(),
  };
}
