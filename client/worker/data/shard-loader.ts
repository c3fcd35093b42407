import { GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';
import type { Shard } from '../../../shared/data/dataset-manifest.ts';
import { createByteCache } from './byte-cache.ts';
import type { FetchBytes } from './fetch-bytes.ts';
import type { Sha256 } from './sha256.ts';
import type { ShardStore } from './shard-store.ts';

export interface ShardLoaderPorts {
  /** Address of the coordinator that serves now, with a trailing slash. */
  readonly baseUrl: () => string;
  readonly fetchBytes: FetchBytes;
  readonly sha256: Sha256;
  readonly store?: ShardStore | undefined;
  /** Waits before the next try; rejects when the signal is aborted. */
  readonly pause: (attempt: number, signal: AbortSignal) => Promise<void>;
  readonly onDownloaded: (bytes: number) => void;
}

/** Brings shards from memory, the store or the coordinator; their bytes are verified before anyone sees them. */
export interface ShardLoader {
  /** @throws GradswarmError `notFound`, `unavailable`, `hashMismatch`, `tooLarge` or `cancelled`. */
  load(shard: Shard): Promise<Uint8Array>;
  /** Gives up every download. */
  close(): void;
}

export function createShardLoader(ports: ShardLoaderPorts): ShardLoader {
  const memory = createByteCache(limits.workerShardCacheBytesMax);
  const underWay = new Map<string, Promise<Uint8Array>>();
  const closing = new AbortController();

  const bring = async (shard: Shard): Promise<Uint8Array> => {
    const stored = await ports.store?.get(shard.hash);
    if (stored && (await ports.sha256(stored)) === shard.hash) return stored;
    const bytes = await download(shard, ports, closing.signal);
    await ports.store?.put(shard.hash, bytes);
    return bytes;
  };

  return {
    async load(shard) {
      const cached = memory.get(shard.hash);
      if (cached) return cached;
      let pending = underWay.get(shard.hash);
      if (!pending) {
        pending = bring(shard).finally(() => underWay.delete(shard.hash));
        underWay.set(shard.hash, pending);
      }
      const bytes = await pending;
      memory.put(shard.hash, bytes);
      return bytes;
    },
    close: () => closing.abort(),
  };
}

async function download(shard: Shard, ports: ShardLoaderPorts, signal: AbortSignal): Promise<Uint8Array> {
  if (shard.bytes > limits.shardBytesMax) {
    throw new GradswarmError('tooLarge', `Shard ${shard.hash} has ${shard.bytes} bytes.`);
  }
  for (let attempt = 0; ; attempt++) {
    try {
      const url = new URL(`shards/${shard.hash}`, ports.baseUrl()).href;
      const bytes = await ports.fetchBytes(url, shard.bytes, signal);
      ports.onDownloaded(bytes.length);
      if ((await ports.sha256(bytes)) !== shard.hash) {
        throw new GradswarmError('hashMismatch', `${url} does not have the hash that names it.`);
      }
      return bytes;
    } catch (error) {
      const code = error instanceof GradswarmError ? error.code : 'internal';
      const worthAnotherTry = code === 'unavailable' || code === 'hashMismatch';
      if (!worthAnotherTry || attempt + 1 >= limits.shardFetchAttempts) throw error;
      await ports.pause(attempt, signal);
    }
  }
}
