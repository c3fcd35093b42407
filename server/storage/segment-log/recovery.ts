import { join } from 'node:path';
import { GradswarmError } from '../../../shared/base/errors.ts';
import type { Disk, DiskFile } from '../disk/disk.ts';
import { EntryIndex } from './entry-index.ts';
import { decodeHardState, type HardState, initialHardState } from './hard-state.ts';
import { findDurableEnd } from './mark.ts';
import { isZero, type LogEntry, type LogRecord, type RecordReading, readRecord } from './record.ts';
import { isSegmentName, isTemporaryName, type Segment } from './segment.ts';
import { decodeSegmentHeader, type SegmentHeader, segmentHeaderBytes, segmentKey } from './segment-header.ts';

export interface RecoveredLog {
  readonly segments: Segment[];
  readonly index: EntryIndex;
  hardState: HardState;
  /** Bytes of a torn tail that were cleared; 0 after an orderly stop. */
  tornBytes: number;
}

/**
 * Called with every entry that is found, in the order of writing: one voids those from its index on, and those outside
 * of the log's first and last index do not count. The payload is a view of the whole segment.
 */
export type OnRecovered = (entry: LogEntry) => void;

export interface RecoveryOptions {
  readonly disk: Disk;
  readonly folder: string;
  readonly clusterId: string;
}

/**
 * Reads every record of every segment, in order. A tail that a crash tore, which nobody was told of, is cleared; damage
 * anywhere else ends with `corrupted`, and the files stay as they are. When this resolves, everything recovered is
 * durable: after a killed process it may have been in the page cache only.
 * @throws GradswarmError `corrupted` with file and offset, `dataFolderVersion`, `conflict` (another cluster's log).
 */
export async function recoverLog(
  { disk, folder, clusterId }: RecoveryOptions,
  onRecovered?: OnRecovered,
): Promise<RecoveredLog> {
  const names = await disk.list(folder);
  for (const name of names.filter(isTemporaryName)) await disk.remove(join(folder, name));
  const log: RecoveredLog = {
    segments: [],
    index: new EntryIndex(),
    hardState: initialHardState,
    tornBytes: 0,
  };
  const segmentNames = names.filter(isSegmentName);
  try {
    for (const [position, name] of segmentNames.entries()) {
      const path = join(folder, name);
      const file = await disk.open(path);
      const segment = await openSegment(file, path, clusterId, log);
      await readSegment(segment, log, position === segmentNames.length - 1, onRecovered);
    }
  } catch (error) {
    for (const { file } of log.segments) await file.close();
    throw error;
  }
  await log.segments.at(-1)?.file.datasync();
  await disk.syncFolder(folder);
  return log;
}

async function openSegment(
  file: DiskFile,
  path: string,
  clusterId: string,
  log: RecoveredLog,
): Promise<Segment> {
  const previous = log.segments.at(-1);
  const headerBytes = await file.read(0, segmentHeaderBytes);
  const header = decodeSegmentHeader(headerBytes, path);
  const key = segmentKey(headerBytes);
  const segment = { path, file, header, key, end: segmentHeaderBytes, checksum: key, lastIndex: 0 };
  log.segments.push(segment);
  if (header.clusterId !== clusterId) {
    throw new GradswarmError('conflict', `${path} is of cluster ${header.clusterId}, not ${clusterId}.`);
  }
  const size = await file.size();
  if (size !== header.segmentBytes) {
    throw corrupted(path, size, `the file has ${size} bytes instead of ${header.segmentBytes}`);
  }
  if (!previous) log.index.reset(header.firstIndex - 1);
  else assertFollows(previous, path, header);
  return segment;
}

function assertFollows(previous: Segment, path: string, header: SegmentHeader): void {
  if (header.sequence !== previous.header.sequence + 1) {
    throw corrupted(path, 0, `the segment before it is missing; ${previous.path} is there instead`);
  }
  if (header.previousChecksum !== previous.checksum) {
    throw corrupted(
      previous.path,
      previous.end,
      'records are missing or changed before the next segment begins',
    );
  }
}

async function readSegment(
  segment: Segment,
  log: RecoveredLog,
  isLast: boolean,
  onRecovered: OnRecovered | undefined,
): Promise<void> {
  const bytes = await segment.file.read(0, segment.header.segmentBytes);
  let reading = readRecord(bytes, segment.end, segment.checksum);
  while (reading.kind === 'record') {
    applyRecord(reading.record, segment, reading.nextOffset, log);
    if (reading.record.type === 'entry') onRecovered?.(reading.record);
    segment.end = reading.nextOffset;
    segment.checksum = reading.checksum;
    reading = readRecord(bytes, segment.end, segment.checksum);
  }
  const rest = bytes.subarray(segment.end);
  if (isZero(rest)) return;
  judgeTail(bytes, segment, reading, isLast);
  log.tornBytes = rest.length;
  await segment.file.write(segment.end, new Uint8Array(rest.length));
}

function applyRecord(record: LogRecord, segment: Segment, end: number, log: RecoveredLog): void {
  if (record.type === 'hardState') log.hardState = decodeHardState(record);
  if (record.type === 'reset') log.index.reset(record.index);
  if (record.type !== 'entry') return;
  if (!log.index.accepts(record.index)) {
    throw corrupted(
      segment.path,
      segment.end,
      `entry ${record.index} does not follow entry ${log.index.lastIndex}`,
    );
  }
  segment.lastIndex = Math.max(segment.lastIndex, record.index);
  const { end: offset, checksum: previousChecksum } = segment;
  log.index.put(record.index, { segment, offset, end, term: record.term, previousChecksum });
}

/**
 * Returns when what follows `segment.end` can only be a write that was never acknowledged: it is in the last segment,
 * no mark proves it durable, and a sector of it is missing.
 */
function judgeTail(bytes: Uint8Array, segment: Segment, reading: RecordReading, isLast: boolean): void {
  const { path, end, key, header } = segment;
  const reason = reading.kind === 'damaged' ? reading.reason : 'a record is missing';
  if (!isLast) throw corrupted(path, end, reason);
  if (findDurableEnd(bytes, end, header.sequence, key) > end) throw corrupted(path, end, reason);
  if (reading.kind === 'damaged' && !reading.couldBeTorn) throw corrupted(path, end, reason);
}

function corrupted(path: string, offset: number, reason: string): GradswarmError {
  return new GradswarmError('corrupted', `${path}, offset ${offset}: ${reason}.`);
}
