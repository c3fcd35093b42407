import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createByteCache } from '../../../../../client/worker/data/byte-cache.ts';
import type { FetchBytes } from '../../../../../client/worker/data/fetch-bytes.ts';
import { portableSha256, subtleSha256 } from '../../../../../client/worker/data/sha256.ts';
import { createShardLoader, type ShardLoader } from '../../../../../client/worker/data/shard-loader.ts';
import type { ShardStore } from '../../../../../client/worker/data/shard-store.ts';
import { GradswarmError } from '../../../../../shared/base/errors.ts';
import { asBlobHash } from '../../../../../shared/base/ids.ts';
import { limits } from '../../../../../shared/base/limits.ts';

const bytes = new Uint8Array([1, 2, 3, 4]);
const hash = asBlobHash(createHash('sha256').update(bytes).digest('hex'));
const shard = { hash, count: 1, bytes: 4 };

interface Setup {
  readonly loader: ShardLoader;
  readonly asked: string[];
  readonly pauses: number[];
}

function setUp(answers: readonly (Uint8Array | GradswarmError)[], store?: ShardStore): Setup {
  const asked: string[] = [];
  const pauses: number[] = [];
  const fetchBytes: FetchBytes = async (url) => {
    const answer = answers[Math.min(asked.length, answers.length - 1)]!;
    asked.push(url);
    if (answer instanceof GradswarmError) throw answer;
    return answer;
  };
  const loader = createShardLoader({
    baseUrl: () => 'https://grid.test/a/',
    fetchBytes,
    sha256: portableSha256,
    store,
    pause: async (attempt) => {
      pauses.push(attempt);
    },
    onDownloaded: () => {},
  });
  return { loader, asked, pauses };
}

describe('createShardLoader', () => {
  it('downloads a shard once, for whoever asks at the same time or later', async () => {
    const { loader, asked } = setUp([bytes]);
    expect(await Promise.all([loader.load(shard), loader.load(shard)])).toEqual([bytes, bytes]);
    expect(await loader.load(shard)).toEqual(bytes);
    expect(asked).toEqual([`https://grid.test/a/shards/${hash}`]);
  });

  it('tries again after a failure that may pass, and after wrong bytes', async () => {
    const { loader, pauses } = setUp([
      new GradswarmError('unavailable', 'busy'),
      new Uint8Array([9, 9, 9, 9]),
      bytes,
    ]);
    expect(await loader.load(shard)).toEqual(bytes);
    expect(pauses).toEqual([0, 1]);
  });

  it('gives up after some tries, and starts anew when asked again', async () => {
    const { loader, asked } = setUp([new Uint8Array([9, 9, 9, 9])]);
    await expect(loader.load(shard)).rejects.toMatchObject({ code: 'hashMismatch' });
    expect(asked.length).toBe(limits.shardFetchAttempts);
    await expect(loader.load(shard)).rejects.toMatchObject({ code: 'hashMismatch' });
    expect(asked.length).toBe(2 * limits.shardFetchAttempts);
  });

  it('does not try again what will not mend, and asks for nothing too large', async () => {
    const { loader, asked } = setUp([new GradswarmError('notFound', 'gone')]);
    await expect(loader.load(shard)).rejects.toMatchObject({ code: 'notFound' });
    expect(asked.length).toBe(1);
    const large = { ...shard, bytes: limits.shardBytesMax + 1 };
    await expect(loader.load(large)).rejects.toMatchObject({ code: 'tooLarge' });
    expect(asked.length).toBe(1);
  });

  it('uses the store, but not without looking', async () => {
    const kept = new Map<string, Uint8Array>([[hash, bytes]]);
    const store: ShardStore = {
      get: async (name) => kept.get(name),
      put: async (name, value) => {
        kept.set(name, value);
      },
    };
    const fromStore = setUp([bytes], store);
    expect(await fromStore.loader.load(shard)).toEqual(bytes);
    expect(fromStore.asked).toEqual([]);

    kept.set(hash, new Uint8Array([0]));
    const past = setUp([bytes], store);
    expect(await past.loader.load(shard)).toEqual(bytes);
    expect(past.asked.length).toBe(1);
    expect(kept.get(hash)).toEqual(bytes);
  });
});

describe('createByteCache', () => {
  it('forgets the least recently used beyond its bound', () => {
    const cache = createByteCache(10);
    cache.put('a', new Uint8Array(4));
    cache.put('b', new Uint8Array(4));
    cache.get('a');
    cache.put('c', new Uint8Array(4));
    expect(['a', 'b', 'c'].map((name) => cache.get(name) !== undefined)).toEqual([true, false, true]);
    cache.put('huge', new Uint8Array(11));
    expect(cache.get('huge')).toBeUndefined();
    expect(cache.get('c')).toBeDefined();
  });
});

describe('sha256', () => {
  it('is the same by either way', async () => {
    expect(await portableSha256(bytes)).toBe(hash);
    expect(await subtleSha256(bytes)).toBe(hash);
  });

  it('is taken of the bytes as they were at the call', async () => {
    const changing = bytes.slice();
    const pending = subtleSha256(changing);
    changing.fill(0);
    expect(await pending).toBe(hash);
  });
});
