import { describe, expect, it } from 'vitest';
import type { Batch } from '../../../../shared/data/batch.ts';
import { createBatchPool } from '../../../../shared/data/batch-memory.ts';

const batchOf = (x: Batch['x'], y: Batch['y']): Batch => ({
  x,
  xShape: [x.length],
  y,
  yShape: [y.length],
  count: 1,
});

describe('a batch pool', () => {
  it('hands out an array of the asked length and type again once it was given back', () => {
    const pool = createBatchPool(4);
    const x = pool.floats(6);
    const y = pool.integers(2);
    expect(pool.floats(6)).not.toBe(x);
    pool.giveBack(batchOf(x, y));
    expect(pool.integers(6)).not.toBe(x);
    expect(pool.floats(2)).not.toBe(y);
    expect(pool.floats(6)).toBe(x);
    expect(pool.floats(6)).not.toBe(x);
    expect(pool.integers(2)).toBe(y);
  });

  it('tells apart the inputs and the targets of a token batch, which have one length and one type', () => {
    const pool = createBatchPool(4);
    pool.giveBack(batchOf(pool.integers(3), pool.integers(3)));
    expect(pool.integers(3)).not.toBe(pool.integers(3));
  });

  it('keeps no more than its limit, the latest', () => {
    const pool = createBatchPool(2);
    const old = pool.floats(3);
    pool.giveBack(batchOf(old, pool.integers(3)));
    const recent = pool.floats(5);
    pool.giveBack(batchOf(recent, pool.integers(5)));
    expect(pool.floats(3)).not.toBe(old);
    expect(pool.floats(5)).toBe(recent);
  });
});
