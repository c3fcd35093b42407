import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asBatch, type Batch, type Entry } from '../../../../../server/storage/etcd/batch.ts';
import { LogView } from '../../../../../server/storage/etcd/log-view.ts';
import type { SnapshotReference } from '../../../../../server/storage/etcd/snapshot-reference.ts';
import { limits } from '../../../../../shared/base/limits.ts';

/** Entries from `first` to `last`, each proposed by client `c` under its index. */
function batch(first: number, last: number): Batch {
  const entries = Array.from({ length: last - first + 1 }, (_, position): Entry => {
    const index = first + position;
    const proposal = { clientId: 'c', sequence: index };
    return { kind: 'command', index, epoch: 1, bytes: new Uint8Array([index]), proposal };
  });
  return asBatch(entries);
}

function snapshot(index: number, sessionsIndex = index): SnapshotReference {
  const nothing = { length: 0, hash: 'none' };
  const folder = `${index}/`;
  return { index, epoch: 1, firstIndex: index + 1, sessionsIndex, folder, sessions: nothing, state: nothing };
}

/** What is read from index 1 on, batch after batch. */
function indexesOf(view: LogView): number[] {
  const found: number[] = [];
  for (let items = view.readRecent(1); items?.length; items = view.readRecent((found.at(-1) ?? 0) + 1)) {
    found.push(...items.map(({ index }) => index));
  }
  return found;
}

const indexes = (view: LogView, from: number) => view.readRecent(from)?.map(({ index }) => index);

describe('a view of the log', () => {
  it('takes batches in any order and as often as they come, and never skips one', () => {
    const cuts = fc.uniqueArray(fc.integer({ min: 1, max: 29 }), { maxLength: 10 });
    const arrivals = fc.array(fc.nat({ max: 100 }), { maxLength: 80 });
    fc.assert(
      fc.property(cuts, arrivals, (inner, order) => {
        const bounds = [0, ...inner.sort((one, two) => one - two), 30];
        const batches = bounds.slice(1).map((last, position) => batch((bounds[position] ?? 0) + 1, last));
        const view = new LogView();
        for (const arrival of order) {
          const arrived = batches[arrival % batches.length] ?? batch(1, 1);
          const fits = arrived[0].index <= view.lastIndex + 1;
          expect(view.accept(arrived, 10)).toBe(fits);
        }
        const expected = Array.from({ length: view.lastIndex }, (_, position) => position + 1);
        expect(indexesOf(view)).toEqual(expected);
        for (const sequence of expected) {
          expect(view.sessions.find({ clientId: 'c', sequence })).toMatchObject({ index: sequence });
        }
      }),
    );
  });

  it('goes on from a snapshot in the middle of a batch', () => {
    const source = new LogView();
    source.accept(batch(1, 5), 10);
    const view = new LogView();
    view.restart(snapshot(3, 5), source.sessions);
    expect(view.lastIndex).toBe(3);
    expect(view.accept(batch(5, 6), 10)).toBe(false);
    expect(view.accept(batch(2, 5), 10)).toBe(true);
    expect(view.lastIndex).toBe(5);
    expect(indexes(view, 4)).toEqual([4, 5]);
    view.restart(snapshot(4), source.sessions);
    expect(view.lastIndex).toBe(5);
  });

  it('keeps the newest entries in memory, within its bound', () => {
    const view = new LogView();
    const bytes = limits.etcdRecentBytesMax / 4;
    for (let index = 1; index <= 10; index++) view.accept(batch(index, index), bytes);
    expect(indexes(view, 6)).toBeUndefined();
    expect(indexes(view, 7)).toEqual([7]);
    view.accept(batch(11, 11), limits.etcdRecentBytesMax * 2);
    expect(indexes(view, 10)).toBeUndefined();
    expect(indexes(view, 11)).toEqual([11]);
  });

  it('wakes who waits at every change, and at the end of the waiting', async () => {
    const view = new LogView();
    const ending = new AbortController();
    const entry = view.changed(ending.signal);
    view.accept(batch(1, 1), 1);
    await entry;
    const compaction = view.changed(ending.signal);
    view.setSnapshot(snapshot(1));
    await compaction;
    expect(view.firstIndex).toBe(2);
    view.setSnapshot(snapshot(0));
    expect(view.firstIndex).toBe(2);
    const end = view.changed(ending.signal);
    ending.abort();
    await end;
  });
});
