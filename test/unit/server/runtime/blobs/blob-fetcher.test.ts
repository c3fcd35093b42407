import { describe, expect, it } from 'vitest';
import { createBlobFetcher } from '../../../../../server/runtime/blobs/blob-fetcher.ts';
import { GradswarmError } from '../../../../../shared/base/errors.ts';
import type { BlobHash } from '../../../../../shared/base/ids.ts';
import { limits } from '../../../../../shared/base/limits.ts';
import { hashOf } from '../../core/fixtures.ts';
import { ManualTimers } from './manual-timers.ts';

interface Fetch {
  readonly from: string;
  readonly hash: BlobHash;
  readonly done: (outcome: Uint8Array | GradswarmError) => void;
  isCancelled: boolean;
}

const bytes = new Uint8Array(1);
const failure = (code: 'notFound' | 'unavailable' | 'corrupted') => new GradswarmError(code, code);
const [one, two, three] = [hashOf('one'), hashOf('two'), hashOf('three')];

function bench(...members: readonly string[]) {
  const timers = new ManualTimers();
  const fetches: Fetch[] = [];
  const stored = new Set<BlobHash>();
  const damaged = new Set<BlobHash>();
  const disk = { isFull: false };
  const fetcher = createBlobFetcher({
    peers: () => members,
    has: (hash) => stored.has(hash),
    isIntact: (hash) => !damaged.has(hash),
    store(hash) {
      if (disk.isFull) throw new GradswarmError('unavailable', 'full');
      stored.add(hash);
      damaged.delete(hash);
    },
    fetch(from, hash, done) {
      const fetch: Fetch = { from, hash, done, isCancelled: false };
      fetches.push(fetch);
      return () => {
        fetch.isCancelled = true;
      };
    },
    timers,
  });
  const outcomes: string[] = [];
  return {
    timers,
    fetches,
    stored,
    damaged,
    disk,
    fetcher,
    outcomes,
    demand: (hashes: readonly BlobHash[], demand = {}, key = 'key') =>
      fetcher.demand(key, hashes, demand, (error) => outcomes.push(error?.code ?? 'fetched')),
    /** Everybody who is asked for it from now on answers like this, until nobody is. */
    answer(hash: BlobHash, outcome: Uint8Array | GradswarmError, from?: string) {
      for (let index = 0; index < fetches.length; index++) {
        const fetch = fetches[index];
        if (fetch?.hash !== hash || fetch.isCancelled || (from !== undefined && fetch.from !== from))
          continue;
        fetch.isCancelled = true;
        fetch.done(outcome);
      }
    },
  };
}

describe('a demand', () => {
  it('is met at once by what is here', () => {
    const { demand, stored, outcomes, fetches } = bench('b', 'c');
    stored.add(one);
    demand([one, one]);
    expect(outcomes).toEqual(['fetched']);
    expect(fetches).toEqual([]);
  });

  it('is met when all have come, from whoever has them', () => {
    const { demand, answer, stored, outcomes, fetches } = bench('b', 'c');
    demand([one, two]);
    answer(one, failure('notFound'), fetches[0]?.from);
    expect(
      fetches
        .filter(({ hash }) => hash === one)
        .map(({ from }) => from)
        .toSorted(),
    ).toEqual(['b', 'c']);
    answer(one, bytes);
    expect(outcomes).toEqual([]);
    answer(two, bytes);
    expect(outcomes).toEqual(['fetched']);
    expect([...stored]).toEqual([one, two]);
  });

  it('fails as notFound only when everybody has said so', () => {
    const { demand, answer, outcomes, fetches } = bench('b', 'c');
    demand([one]);
    answer(one, failure('notFound'));
    expect(outcomes).toEqual(['notFound']);
    demand([two]);
    answer(two, failure('notFound'), fetches.at(-1)?.from);
    answer(two, failure('unavailable'));
    expect(outcomes).toEqual(['notFound', 'unavailable']);
  });

  it('fails at once where nobody can be asked, and leaves nothing behind', () => {
    const { demand, outcomes, fetcher, timers } = bench();
    demand([one, two]);
    expect(outcomes).toEqual(['notFound']);
    expect([fetcher.missing, timers.waiting]).toEqual([0, 0]);
  });

  it('takes the place of an earlier one of its key', () => {
    const { demand, answer, outcomes } = bench('b');
    demand([one]);
    demand([two]);
    answer(one, bytes);
    expect(outcomes).toEqual([]);
    answer(two, bytes);
    expect(outcomes).toEqual(['fetched']);
  });

  it('has damaged blobs replaced where it looks at them', () => {
    const { demand, answer, outcomes, stored, damaged } = bench('b');
    stored.add(one);
    damaged.add(one);
    demand([one]);
    demand([one], { mustVerify: true }, 'other');
    expect(outcomes).toEqual(['fetched']);
    answer(one, bytes);
    expect(outcomes).toEqual(['fetched', 'fetched']);
    expect(damaged.size).toBe(0);
  });

  it('names a damaged blob as such when nobody can replace it', () => {
    const { demand, answer, outcomes, stored, damaged } = bench('b');
    stored.add(one);
    damaged.add(one);
    demand([one], { mustVerify: true });
    answer(one, failure('corrupted'));
    expect(outcomes).toEqual(['corrupted']);
  });

  it('fails when there is no room, and the blob is asked for later', () => {
    const { demand, answer, outcomes, disk, timers, stored } = bench('b');
    disk.isFull = true;
    demand([one]);
    answer(one, bytes);
    expect(outcomes).toEqual(['unavailable']);
    disk.isFull = false;
    timers.pass(limits.blobFetchRetryMsMin);
    answer(one, bytes);
    expect(stored.has(one)).toBe(true);
  });
});

describe('what is wanted', () => {
  it('is asked for until it comes, less and less often', () => {
    const { fetcher, answer, timers, fetches } = bench('b');
    fetcher.want([one]);
    for (const delayMs of [1, 2, 4].map((factor) => factor * limits.blobFetchRetryMsMin)) {
      const asked = fetches.length;
      answer(one, failure('unavailable'));
      timers.pass(delayMs - 1);
      expect(fetches.length).toBe(asked);
      timers.pass(1);
      expect(fetches.length).toBe(asked + 1);
    }
    answer(one, bytes);
    expect([fetcher.missing, timers.waiting]).toEqual([0, 0]);
  });

  it('comes in its order, a few at once, after what is demanded', () => {
    const { fetcher, answer, demand, fetches } = bench('b');
    const hashes = Array.from({ length: 8 }, (_, index) => hashOf(`blob ${index}`));
    fetcher.want(hashes);
    demand([one]);
    expect(fetches.map(({ hash }) => hash)).toEqual(hashes.slice(0, limits.blobFetchesMax));
    answer(hashes[0] ?? one, bytes);
    expect(fetches.at(-1)?.hash).toBe(one);
    answer(one, bytes);
    expect(fetches.at(-1)?.hash).toBe(hashes[limits.blobFetchesMax]);
  });

  it('is waited for a while where somebody may be sending it', () => {
    const { fetcher, demand, timers, fetches, outcomes } = bench('b');
    fetcher.want([one, two, three], { isExpected: true });
    demand([one], { isExpected: true });
    expect(fetches).toEqual([]);
    fetcher.arrived(one);
    expect(outcomes).toEqual(['fetched']);
    timers.pass(limits.blobExpectedMs);
    expect(fetches.map(({ hash }) => hash)).toEqual([two, three]);
  });

  it('is asked for at once when another coordinator can be reached again', () => {
    const { fetcher, answer, fetches } = bench('b');
    fetcher.want([one]);
    answer(one, failure('unavailable'));
    fetcher.retry();
    expect(fetches).toHaveLength(2);
  });

  it('is cancelled when it comes by another way or is named no more', () => {
    const { fetcher, demand, fetches, outcomes } = bench('b');
    demand([one, two]);
    fetcher.arrived(one);
    fetcher.forget([two]);
    expect(fetches.every(({ isCancelled }) => isCancelled)).toBe(true);
    expect(outcomes).toEqual(['notFound']);
    expect(fetcher.missing).toBe(0);
  });

  it('is dropped at the end', () => {
    const { fetcher, demand, fetches, timers } = bench('b');
    demand([one]);
    fetcher.want([two], { isExpected: true });
    fetcher.close();
    expect(fetches.every(({ isCancelled }) => isCancelled)).toBe(true);
    expect(timers.waiting).toBe(0);
  });
});
