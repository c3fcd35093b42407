import { assert } from '../../../shared/base/assert.ts';
import { GradswarmError } from '../../../shared/base/errors.ts';
import type { EntryBody } from '../../raft/entry.ts';
import type { LogItem } from '../../runtime/ports.ts';
import { decodeEntryBody, encodeEntryBody } from '../entry-body.ts';

export type Entry = Extract<LogItem, { readonly kind: 'command' | 'noop' }>;

/** Entries that were appended in one transaction: of one epoch, with consecutive indexes. Never empty. */
export type Batch = readonly [Entry, ...Entry[]];

export function asBatch(entries: readonly Entry[]): Batch {
  const [first, ...rest] = entries;
  assert(first !== undefined, 'a batch holds at least one entry');
  return [first, ...rest];
}

export function firstIndexOf(batch: Batch): number {
  return batch[0].index;
}

export function lastIndexOf(batch: Batch): number {
  return batch[0].index + batch.length - 1;
}

/**
 * A value of the log, little-endian:
 *
 *     0  u32 version    8  f64 epoch
 *     4  u32 entries   16  f64 index of the first    24  entries: u32 bytes, then the entry's payload
 */
const version = 1;
const headerBytes = 24;
const lengthBytes = 4;

/** What an entry takes beside its client id and its command. */
export const entryOverheadBytesMax = 32;

export function encodeBatch(batch: Batch): Uint8Array {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt32LE(version, 0);
  header.writeUInt32LE(batch.length, 4);
  header.writeDoubleLE(batch[0].epoch, 8);
  header.writeDoubleLE(batch[0].index, 16);
  const parts: Uint8Array[] = [header];
  for (const entry of batch) {
    const payload = encodeEntryBody(entry);
    const length = Buffer.alloc(lengthBytes);
    length.writeUInt32LE(payload.length, 0);
    parts.push(length, payload);
  }
  return Buffer.concat(parts);
}

/** @throws GradswarmError `corrupted` naming the key. */
export function decodeBatch(key: string, value: Uint8Array): Batch {
  const fail = (reason: string) =>
    new GradswarmError(
      'corrupted',
      `The value of ${key} in etcd ${reason}. Restore etcd from a copy, or use another prefix to begin anew.`,
    );
  if (value.length < headerBytes) throw fail('is cut short');
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  if (view.getUint32(0, true) !== version) throw fail('was written by another version of gradswarm');
  const count = view.getUint32(4, true);
  const epoch = view.getFloat64(8, true);
  const firstIndex = view.getFloat64(16, true);
  const entries: Entry[] = [];
  let start = headerBytes;
  while (start < value.length) {
    if (start + lengthBytes > value.length) throw fail('is cut short');
    const payloadStart = start + lengthBytes;
    const end = payloadStart + view.getUint32(start, true);
    if (end > value.length) throw fail('is cut short');
    const body = readBody(value.subarray(payloadStart, end));
    if (body === undefined) throw fail('holds no entries of a log');
    entries.push({ ...body, index: firstIndex + entries.length, epoch });
    start = end;
  }
  if (entries.length !== count || !Number.isSafeInteger(epoch) || !Number.isSafeInteger(firstIndex)) {
    throw fail('is not what it says');
  }
  return asBatch(entries);
}

function readBody(payload: Uint8Array): Exclude<EntryBody, { readonly kind: 'configuration' }> | undefined {
  try {
    const body = decodeEntryBody(payload);
    return body.kind === 'configuration' ? undefined : body;
  } catch {
    return undefined;
  }
}
