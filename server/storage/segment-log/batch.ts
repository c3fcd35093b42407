import { assert } from '../../../shared/base/assert.ts';
import type { EntryLocation } from './entry-index.ts';
import { type LogRecord, recordBytes, writeRecord } from './record.ts';
import type { Segment } from './segment.ts';

/** Who waits until a batch is durable. */
export interface Waiter {
  resolve(): void;
  reject(error: Error): void;
}

/** Records that one write takes to one segment. */
export interface Batch {
  readonly records: readonly LogRecord[];
  readonly bytes: number;
  /** Of an append that was cut, only the last part has one. */
  readonly waiter: Waiter | undefined;
}

/** In parts of at most `bytesMax`, which holds any one record. */
export function cutIntoBatches(
  records: readonly LogRecord[],
  bytesMax: number,
  waiter: Waiter,
): readonly Batch[] {
  const batches: Batch[] = [];
  let bytes = 0;
  let start = 0;
  for (const [position, record] of records.entries()) {
    const size = recordBytes(record.payload.length);
    assert(size <= bytesMax, `a record of ${size} bytes fits into a batch`);
    if (bytes + size > bytesMax) {
      batches.push({ records: records.slice(start, position), bytes, waiter: undefined });
      bytes = 0;
      start = position;
    }
    bytes += size;
  }
  batches.push({ records: start === 0 ? records : records.slice(start), bytes, waiter });
  return batches;
}

/** Where each record lies, and all of them as the segment goes on with them from `start`. */
export interface PlacedRecords {
  readonly locations: readonly EntryLocation[];
  readonly start: number;
  readonly bytes: Uint8Array;
}

/** Gives records their place at the end of the segment. */
export function placeRecords(segment: Segment, records: readonly LogRecord[]): PlacedRecords {
  const start = segment.end;
  let length = 0;
  for (const { payload } of records) length += recordBytes(payload.length);
  const bytes = new Uint8Array(length);
  const locations = records.map((record): EntryLocation => {
    const offset = segment.end;
    const previousChecksum = segment.checksum;
    segment.checksum = writeRecord(bytes, offset - start, record, previousChecksum);
    segment.end = offset + recordBytes(record.payload.length);
    if (record.type === 'entry') segment.lastIndex = Math.max(segment.lastIndex, record.index);
    return { segment, offset, end: segment.end, term: record.term, previousChecksum };
  });
  return { locations, start, bytes };
}
