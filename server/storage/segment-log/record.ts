import { crc32 } from 'node:zlib';
import { sectorBytes } from '../disk/disk.ts';

/**
 * One record of a segment, little-endian, padded with zeros to 8 bytes:
 *
 *     0  u32 length of the payload    8  u32 checksum    16  u64 index    32  payload
 *     4  u32 check of the length     12  u32 type        24  u64 term
 *
 * The checksum is chained: CRC-32 of everything before it in the log, then of this record without the checksum field.
 * The length has its own check, so that a rotten length is not taken for a record that ends beyond the file.
 */
export interface LogRecord extends LogEntry {
  readonly type: RecordType;
}

export interface LogEntry {
  readonly index: number;
  readonly term: number;
  readonly payload: Uint8Array;
}

/**
 * `entry`: replaces every entry from its index on. `hardState`: term, commit (as index) and vote (as payload).
 * `reset`: all entries are void, the log goes on after this index. `mark`: see `mark.ts`.
 */
export type RecordType = 'entry' | 'hardState' | 'reset' | 'mark';

export const recordHeaderBytes = 32;
const checksumOffset = 8;
const typeOffset = 12;
const typeCodes: Readonly<Record<RecordType, number>> = { entry: 1, hardState: 2, reset: 3, mark: 4 };
export const markTypeCode = typeCodes.mark;
const typesByCode = new Map(Object.entries(typeCodes).map(([type, code]) => [code, type as RecordType]));

export function recordBytes(payloadBytes: number): number {
  return recordHeaderBytes + Math.ceil(payloadBytes / 8) * 8;
}

/** Writes the record at `offset` of a zeroed `target` and returns its checksum. */
export function writeRecord(
  target: Uint8Array,
  offset: number,
  record: LogRecord,
  previousChecksum: number,
): number {
  const bytes = target.subarray(offset, offset + recordBytes(record.payload.length));
  const view = viewOf(bytes);
  view.setUint32(0, record.payload.length, true);
  view.setUint32(4, crc32(bytes.subarray(0, 4)), true);
  view.setUint32(typeOffset, typeCodes[record.type], true);
  writeUint64(view, 16, record.index);
  writeUint64(view, 24, record.term);
  bytes.set(record.payload, recordHeaderBytes);
  const checksum = chainedChecksum(bytes, previousChecksum);
  view.setUint32(checksumOffset, checksum, true);
  return checksum;
}

export type RecordReading =
  | {
      readonly kind: 'record';
      readonly record: LogRecord;
      readonly checksum: number;
      readonly nextOffset: number;
    }
  /** Nothing was written here: zeros, or the end of the bytes. */
  | { readonly kind: 'end' }
  /** `couldBeTorn`: a sector of the record holds nothing but zeros, as after a write that was cut off. */
  | { readonly kind: 'damaged'; readonly reason: string; readonly couldBeTorn: boolean };

/** Reads the record at `offset`; its payload is a view of `bytes`. */
export function readRecord(bytes: Uint8Array, offset: number, previousChecksum: number): RecordReading {
  if (offset + recordHeaderBytes > bytes.length) return { kind: 'end' };
  const header = bytes.subarray(offset, offset + recordHeaderBytes);
  if (isZero(header)) return { kind: 'end' };
  const damaged = (reason: string, length: number): RecordReading => ({
    kind: 'damaged',
    reason,
    couldBeTorn: hasZeroSector(bytes, offset, offset + length),
  });
  const view = viewOf(header);
  const length = view.getUint32(0, true);
  if (crc32(header.subarray(0, 4)) !== view.getUint32(4, true)) {
    return damaged('the length fails its check', recordHeaderBytes);
  }
  const nextOffset = offset + recordBytes(length);
  if (nextOffset > bytes.length) return damaged('the record ends beyond the segment', recordHeaderBytes);
  const whole = bytes.subarray(offset, nextOffset);
  const checksum = chainedChecksum(whole, previousChecksum);
  if (checksum !== view.getUint32(checksumOffset, true))
    return damaged('the checksum fails', nextOffset - offset);
  const type = typesByCode.get(view.getUint32(typeOffset, true));
  if (type === undefined) return damaged('the type is unknown', recordHeaderBytes);
  const index = readUint64(view, 16);
  const term = readUint64(view, 24);
  const payload = whole.subarray(recordHeaderBytes, recordHeaderBytes + length);
  return { kind: 'record', record: { type, index, term, payload }, checksum, nextOffset };
}

function chainedChecksum(bytes: Uint8Array, previous: number): number {
  return crc32(bytes.subarray(typeOffset), crc32(bytes.subarray(0, checksumOffset), previous));
}

const zeros = Buffer.alloc(64 * 1024);

export function isZero(bytes: Uint8Array): boolean {
  for (let offset = 0; offset < bytes.length; offset += zeros.length) {
    const piece = bytes.subarray(offset, offset + zeros.length);
    if (zeros.compare(piece, 0, piece.length, 0, piece.length) !== 0) return false;
  }
  return true;
}

function hasZeroSector(bytes: Uint8Array, start: number, end: number): boolean {
  for (let offset = start; offset < end; ) {
    const next = Math.min((Math.floor(offset / sectorBytes) + 1) * sectorBytes, end);
    if (isZero(bytes.subarray(offset, next))) return true;
    offset = next;
  }
  return false;
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Without a `BigInt` for every field of every record. `value` is a safe integer. */
function writeUint64(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, value >>> 0, true);
  view.setUint32(offset + 4, Math.floor(value / 2 ** 32), true);
}

function readUint64(view: DataView, offset: number): number {
  return view.getUint32(offset + 4, true) * 2 ** 32 + view.getUint32(offset, true);
}
