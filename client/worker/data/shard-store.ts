import { limits } from '../../../shared/base/limits.ts';

/** Shards that outlive the process or page: hints only, always verified against their hash after reading. */
export interface ShardStore {
  get(hash: string): Promise<Uint8Array | undefined>;
  put(hash: string, bytes: Uint8Array): Promise<void>;
}

const cacheName = 'gradswarm-shards';
/** Shards kept; of the size that imports aim at, they take no more than a worker may hold in memory. */
const entriesMax = Math.floor(limits.workerShardCacheBytesMax / limits.shardBytesTarget);

/**
 * The browser's Cache Storage, or undefined where it is absent (insecure contexts, Node). Failures are misses: the
 * browser may deny or evict storage at any time. Keeps the newest shards.
 */
export function openCacheStorage(): ShardStore | undefined {
  const storage = globalThis.caches;
  if (storage === undefined) return undefined;
  const address = (hash: string): string => `/shards/${hash}`;
  return {
    async get(hash) {
      try {
        const response = await (await storage.open(cacheName)).match(address(hash));
        return response && new Uint8Array(await response.arrayBuffer());
      } catch {
        return undefined;
      }
    },
    async put(hash, bytes) {
      try {
        const cache = await storage.open(cacheName);
        await cache.put(address(hash), new Response(bytes as Uint8Array<ArrayBuffer>));
        const entries = await cache.keys();
        for (const oldest of entries.slice(0, Math.max(0, entries.length - entriesMax))) {
          await cache.delete(oldest);
        }
      } catch {
        // Not stored: the next page load downloads it again.
      }
    },
  };
}
