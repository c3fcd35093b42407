import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BlobStore } from '../../server/runtime/ports.ts';
import { asBlobHash } from '../../shared/base/ids.ts';

const text = (value: string) => new TextEncoder().encode(value);
const abc = asBlobHash('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');

/** What every `BlobStore` keeps to. `open` gives a new empty store. */
export function blobStoreContract(name: string, open: () => BlobStore): void {
  describe(`${name} as a blob store`, () => {
    it('names a blob by its SHA-256', () => {
      const store = open();
      expect(store.put(text('abc'))).toBe(abc);
      expect(store.get(abc)).toEqual(text('abc'));
      expect(store.has(abc)).toBe(true);
      expect(store.size(abc)).toBe(3);
      expect(store.list()).toEqual([abc]);
    });

    it('keeps the same bytes once', () => {
      const store = open();
      expect(store.put(text('abc'))).toBe(store.put(text('abc')));
      expect(store.list()).toHaveLength(1);
    });

    it('says what it does not have', () => {
      const store = open();
      expect(store.has(abc)).toBe(false);
      expect(store.size(abc)).toBeUndefined();
      expect(() => store.get(abc)).toThrow(expect.objectContaining({ code: 'notFound' }));
    });

    it('forgets a deleted blob, and does not mind a missing one', () => {
      const store = open();
      store.put(text('abc'));
      store.delete(abc);
      store.delete(abc);
      expect(store.has(abc)).toBe(false);
      expect(store.list()).toEqual([]);
      expect(store.put(text('abc'))).toBe(abc);
      expect(store.get(abc)).toEqual(text('abc'));
    });

    it('is not touched by later changes to bytes that went in or came out', () => {
      const store = open();
      const bytes = text('abc');
      store.put(bytes);
      bytes[0] = 0;
      store.get(abc)[1] = 0;
      expect(store.get(abc)).toEqual(text('abc'));
    });

    it('gives back whatever was put, the empty blob too', () => {
      const store = open();
      fc.assert(
        fc.property(fc.array(fc.uint8Array({ maxLength: 2_000 }), { maxLength: 6 }), (blobs) => {
          const hashes = blobs.map((bytes) => store.put(bytes));
          for (const [position, hash] of hashes.entries()) {
            expect(Buffer.from(store.get(hash))).toEqual(Buffer.from(blobs[position] ?? []));
            expect(store.list()).toContain(hash);
          }
        }),
        { numRuns: 30 },
      );
      expect(store.get(store.put(new Uint8Array()))).toHaveLength(0);
    });
  });
}
