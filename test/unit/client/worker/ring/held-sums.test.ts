import { describe, expect, it } from 'vitest';
import { createHeldSums, type HeldSums } from '../../../../../client/worker/ring/held-sums.ts';

const ring = { epoch: 2, ringId: 7 };

function add(sums: HeldSums, unit: number, more: Partial<typeof ring> = {}): void {
  sums.add({ jobId: 'a', ...ring, ...more, unit, length: 1 }, (sum) => {
    sum[0] = (sum[0] ?? 0) + 2 ** unit;
  });
}

const sumIn = (sums: HeldSums, units: readonly number[], asked = ring) =>
  sums.find('a', asked, units)?.sum[0];

describe('sums that a worker holds', () => {
  it('are found by their ring and exactly their units, in any order', () => {
    const sums = createHeldSums();
    for (const unit of [1, 3]) add(sums, unit);
    expect(sumIn(sums, [3, 1])).toBe(10);
    expect(sumIn(sums, [3, 1], { epoch: 3, ringId: 7 })).toBeUndefined();
    expect(sumIn(sums, [3, 1], { epoch: 2, ringId: 8 })).toBeUndefined();
    expect(sumIn(sums, [3, 1])).toBe(10);
  });

  it('begin anew with another ring', () => {
    const sums = createHeldSums();
    add(sums, 1);
    add(sums, 2, { ringId: 8 });
    expect(sumIn(sums, [1])).toBeUndefined();
    expect(sumIn(sums, [2], { epoch: 2, ringId: 8 })).toBe(4);
  });

  it('begin anew with a unit that comes again, because the coordinator has handed out all of them', () => {
    const sums = createHeldSums();
    for (const unit of [0, 1, 0]) add(sums, unit);
    expect(sumIn(sums, [0])).toBe(1);
  });

  it('are void once the coordinator counts other units as held', () => {
    const sums = createHeldSums();
    for (const unit of [0, 1]) add(sums, unit);
    expect(sumIn(sums, [1])).toBeUndefined();
    expect(sumIn(sums, [0, 1])).toBeUndefined();
    add(sums, 1);
    expect(sumIn(sums, [1])).toBe(2);
  });
});
