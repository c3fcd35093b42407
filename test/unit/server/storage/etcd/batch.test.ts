import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  asBatch,
  type Batch,
  decodeBatch,
  type Entry,
  encodeBatch,
  entryOverheadBytesMax,
  firstIndexOf,
  lastIndexOf,
} from '../../../../../server/storage/etcd/batch.ts';

const contents = fc.array(
  fc.option(
    fc.record({
      clientId: fc.string({ minLength: 1, maxLength: 64, unit: 'binary' }),
      sequence: fc.nat(),
      bytes: fc.uint8Array({ maxLength: 100 }),
    }),
  ),
  { minLength: 1, maxLength: 20 },
);

const batches = fc
  .record({
    contents,
    index: fc.integer({ min: 1, max: 2 ** 50 }),
    epoch: fc.integer({ min: 1, max: 2 ** 50 }),
  })
  .map(({ contents: list, index, epoch }): Batch => {
    const entries = list.map((content, position): Entry => {
      if (content === null) return { kind: 'noop', index: index + position, epoch };
      const { clientId, sequence, bytes } = content;
      return { kind: 'command', index: index + position, epoch, bytes, proposal: { clientId, sequence } };
    });
    return asBatch(entries);
  });

const plain = (batch: Batch) =>
  batch.map((entry) => (entry.kind === 'command' ? { ...entry, bytes: [...entry.bytes] } : entry));

describe('a batch', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(batches, (batch) => {
        const decoded = decodeBatch('key', encodeBatch(batch));
        expect(plain(decoded)).toEqual(plain(batch));
        expect(lastIndexOf(decoded) - firstIndexOf(decoded) + 1).toBe(batch.length);
      }),
    );
  });

  it('takes no more than is counted for it', () => {
    fc.assert(
      fc.property(batches, (batch) => {
        const counted = batch.map((entry) => {
          if (entry.kind === 'noop') return entryOverheadBytesMax;
          return entry.bytes.length + Buffer.byteLength(entry.proposal.clientId) + entryOverheadBytesMax;
        });
        const header = encodeBatch(asBatch(batch.slice(0, 1))).length;
        expect(encodeBatch(batch).length).toBeLessThanOrEqual(
          header + counted.reduce((sum, bytes) => sum + bytes, 0),
        );
      }),
    );
  });

  it('that is cut anywhere is corrupted, and its key is named', () => {
    fc.assert(
      fc.property(batches, (batch) => {
        const value = encodeBatch(batch);
        for (let length = 0; length < value.length; length++) {
          expect(() => decodeBatch('the key', value.subarray(0, length))).toThrow(
            expect.objectContaining({ code: 'corrupted', message: expect.stringContaining('the key') }),
          );
        }
      }),
      { numRuns: 20 },
    );
  });

  it('of other bytes is an error of its own kind, never another', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (noise) => {
        const header = Buffer.alloc(24);
        header.writeUInt32LE(1, 0);
        header.writeUInt32LE(1, 4);
        try {
          decodeBatch('key', Buffer.concat([header, noise]));
        } catch (error) {
          expect(error).toMatchObject({ code: 'corrupted' });
        }
      }),
    );
  });
});
