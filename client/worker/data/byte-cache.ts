/** Least recently used byte arrays by name, bounded by their sum. */
export interface ByteCache {
  get(name: string): Uint8Array | undefined;
  /** An array larger than the bound is not kept. */
  put(name: string, bytes: Uint8Array): void;
}

export function createByteCache(bytesMax: number): ByteCache {
  const entries = new Map<string, Uint8Array>();
  let total = 0;
  const remove = (name: string): void => {
    total -= entries.get(name)?.length ?? 0;
    entries.delete(name);
  };
  return {
    get(name) {
      const bytes = entries.get(name);
      if (bytes) {
        entries.delete(name);
        entries.set(name, bytes);
      }
      return bytes;
    },
    put(name, bytes) {
      remove(name);
      if (bytes.length > bytesMax) return;
      entries.set(name, bytes);
      total += bytes.length;
      for (const oldest of entries.keys()) {
        if (total <= bytesMax) break;
        remove(oldest);
      }
    },
  };
}
