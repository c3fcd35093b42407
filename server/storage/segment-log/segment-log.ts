import { GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';
import type { Disk } from '../disk/disk.ts';
import { type Batch, cutIntoBatches, placeRecords } from './batch.ts';
import type { EntryLocation } from './entry-index.ts';
import { decodeHardState, encodeHardState, type HardState } from './hard-state.ts';
import { createMark, markBytes } from './mark.ts';
import { type LogEntry, type LogRecord, readRecord, recordBytes } from './record.ts';
import { type OnRecovered, type RecoveredLog, recoverLog } from './recovery.ts';
import { createSegment, type Segment } from './segment.ts';
import { segmentHeaderBytes } from './segment-header.ts';

export interface SegmentLogOptions {
  readonly disk: Disk;
  readonly folder: string;
  /** 32 hexadecimal digits. */
  readonly clusterId: string;
  /**
   * A write or sync failed: what the disk holds is unknown, and trying again could report lost data as stored.
   * The process should end and read the disk anew.
   */
  readonly onFatal: (error: Error) => void;
  readonly segmentBytes?: number;
}

/**
 * An append-only log of entries and hard states in segment files. Appends that arrive while a sync is under way share
 * the next one. Nothing that was acknowledged is ever dropped silently: see `recovery.ts`.
 */
export class SegmentLog {
  readonly #options: SegmentLogOptions;
  readonly #segmentBytes: number;
  readonly #recovered: RecoveredLog;
  #queue: Batch[] = [];
  #work: Promise<void> | undefined;
  /** Proves the last batch durable; goes out with the next batch, or alone when none comes for a while. */
  #mark: LogRecord | undefined;
  #markTimer: NodeJS.Timeout | undefined;
  #compaction: Promise<void> = Promise.resolve();
  #failure: Error | undefined;
  #closed = false;

  private constructor(options: SegmentLogOptions, recovered: RecoveredLog) {
    this.#options = options;
    this.#segmentBytes = options.segmentBytes ?? limits.logSegmentBytesMax;
    this.#recovered = recovered;
  }

  /** @throws GradswarmError `corrupted` with file and offset, `dataFolderVersion`, `conflict`. */
  static async open(options: SegmentLogOptions, onRecovered?: OnRecovered): Promise<SegmentLog> {
    await options.disk.makeFolder(options.folder);
    const log = new SegmentLog(options, await recoverLog(options, onRecovered));
    if (log.#segments.length === 0) await log.#addSegment();
    return log;
  }

  get firstIndex(): number {
    return this.#recovered.index.firstIndex;
  }

  /** Index of the last durable entry; `firstIndex - 1` without one. */
  get lastIndex(): number {
    return this.#recovered.index.lastIndex;
  }

  /** The last durable one. */
  get hardState(): HardState {
    return this.#recovered.hardState;
  }

  /** Bytes of an unacknowledged tail that a crash tore and that was cleared when the log was opened. */
  get tornBytes(): number {
    return this.#recovered.tornBytes;
  }

  termAt(index: number): number | undefined {
    return this.#recovered.index.at(index)?.term;
  }

  /**
   * Resolves when hard state and entries are durable, in this order. An entry replaces the entries from its index on.
   * Entries of one call follow one another; calls take effect in the order in which they were made.
   */
  append(entries: readonly LogEntry[], hardState?: HardState): Promise<void> {
    const records: LogRecord[] = hardState ? [encodeHardState(hardState)] : [];
    for (const { index, term, payload } of entries) records.push({ type: 'entry', index, term, payload });
    return this.#enqueue(records);
  }

  /** Voids every entry: the state up to `index` came from elsewhere, and the next entry is `index + 1`. */
  reset(index: number, term: number): Promise<void> {
    return this.#enqueue([{ type: 'reset', index, term, payload: new Uint8Array() }]);
  }

  /**
   * Entries from `from` on, up to `bytesMax` of payload but at least one; empty at the end of the log. Each is verified.
   * @throws GradswarmError `notFound` when `from` was compacted, `corrupted`.
   */
  async read(from: number, bytesMax: number): Promise<LogEntry[]> {
    if (from < this.firstIndex) throw new GradswarmError('notFound', `Entry ${from} was compacted.`);
    const locations: EntryLocation[] = [];
    let bytes = 0;
    for (let index = from; ; index++) {
      const location = this.#recovered.index.at(index);
      if (!location || location.segment !== (locations[0] ?? location).segment) break;
      bytes += location.end - location.offset;
      if (locations.length > 0 && bytes > bytesMax) break;
      locations.push(location);
    }
    return readEntries(locations);
  }

  /** Removes segments that hold no entry after `index`; entries that stay in a segment can still be read. */
  compact(index: number): Promise<void> {
    const compaction = this.#compaction.then(() => this.#compactNow(index));
    this.#compaction = compaction.catch(() => {});
    return compaction;
  }

  /** Waits for appends under way. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#markTimer);
    await this.#compaction;
    await (this.#work ?? (this.#failure ? undefined : this.#drain()));
    for (const { file } of this.#segments) await file.close();
  }

  get #segments(): Segment[] {
    return this.#recovered.segments;
  }

  async #compactNow(index: number): Promise<void> {
    const { disk, folder } = this.#options;
    const removable = this.#segments.findIndex((segment) => segment.lastIndex > index);
    const count = removable === -1 ? this.#segments.length - 1 : removable;
    const removed = this.#segments.splice(0, Math.min(count, this.#segments.length - 1));
    if (removed.length === 0) return;
    this.#recovered.index.dropBefore(Math.max(...removed.map((segment) => segment.lastIndex)) + 1);
    for (const segment of removed) {
      await segment.file.close();
      await disk.remove(segment.path);
      // One by one, so that no crash can leave an older segment without its successor.
      await disk.syncFolder(folder);
    }
  }

  #enqueue(records: readonly LogRecord[]): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure);
    if (this.#closed) return Promise.reject(new GradswarmError('unavailable', 'The log is closed.'));
    return new Promise((resolve, reject) => {
      this.#queue.push(...cutIntoBatches(records, this.#batchBytesMax(), { resolve, reject }));
      this.#work ??= this.#drain();
    });
  }

  /** At most what an empty segment has room for, beside the hard state it begins with and two marks. */
  #batchBytesMax(): number {
    const hardStateBytes = recordBytes(encodeHardState(this.hardState).payload.length);
    const room = this.#segmentBytes - segmentHeaderBytes - hardStateBytes - 2 * markBytes;
    return Math.min(limits.logBatchBytesMax, room);
  }

  async #drain(): Promise<void> {
    let batches: readonly Batch[] = [];
    try {
      // A turn of the event loop lets every append of this turn into the first write.
      await Promise.resolve();
      if (this.#queue.length === 0) await this.#writeMark();
      while (this.#queue.length > 0) {
        batches = this.#takeBatches();
        await this.#write(batches);
        for (const { waiter } of batches) waiter?.resolve();
        batches = [];
      }
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)), batches);
    }
    this.#work = undefined;
    if (this.#mark && !this.#closed) this.#planMark();
  }

  #takeBatches(): readonly Batch[] {
    const bytesMax = this.#batchBytesMax();
    let count = 0;
    for (let bytes = 0; count < this.#queue.length; count++) {
      bytes += this.#queue[count]?.bytes ?? 0;
      if (count > 0 && bytes > bytesMax) break;
    }
    return this.#queue.splice(0, count);
  }

  async #write(batches: readonly Batch[]): Promise<void> {
    const bytes = batches.reduce((sum, batch) => sum + batch.bytes, 0);
    let segment = this.#segments.at(-1);
    const records: LogRecord[] = [];
    if (!segment || segment.end + bytes + 2 * markBytes > this.#segmentBytes) {
      segment = await this.#addSegment();
      records.push(encodeHardState(this.hardState));
    } else if (this.#mark) records.push(this.#mark);
    this.#mark = undefined;
    for (const batch of batches) for (const record of batch.records) records.push(record);
    const { locations, start, bytes: placed } = placeRecords(segment, records);
    await segment.file.writeDurably(start, placed);
    for (const [position, record] of records.entries()) this.#apply(record, locations[position]);
    this.#mark = createMark(segment.end, segment.header.sequence, segment.key);
  }

  #planMark(): void {
    this.#markTimer ??= setTimeout(() => {
      this.#markTimer = undefined;
      if (this.#mark && !this.#closed) this.#work ??= this.#drain();
    }, limits.logMarkDelayMs).unref();
  }

  /** Not synced: the next batch does that, and until then the mark may be lost without harm. */
  async #writeMark(): Promise<void> {
    const mark = this.#mark;
    const segment = this.#segments.at(-1);
    this.#mark = undefined;
    if (!mark || !segment) return;
    const { start, bytes } = placeRecords(segment, [mark]);
    await segment.file.write(start, bytes);
  }

  #apply(record: LogRecord, location: EntryLocation | undefined): void {
    const { index } = this.#recovered;
    if (record.type === 'hardState') this.#recovered.hardState = decodeHardState(record);
    if (record.type === 'reset') index.reset(record.index);
    if (record.type === 'entry' && location) index.put(record.index, location);
  }

  /** The old segment is synced first: the checksum at its end goes into the header of the new one. */
  async #addSegment(): Promise<Segment> {
    const { disk, folder, clusterId } = this.#options;
    const previous = this.#segments.at(-1);
    await previous?.file.datasync();
    const segment = await createSegment(disk, folder, {
      clusterId,
      sequence: (previous?.header.sequence ?? 0) + 1,
      firstIndex: this.lastIndex + 1,
      segmentBytes: this.#segmentBytes,
      previousChecksum: previous?.checksum ?? 0,
    });
    this.#segments.push(segment);
    return segment;
  }

  #fail(error: Error, batches: readonly Batch[]): void {
    this.#failure = error;
    for (const { waiter } of [...batches, ...this.#queue]) waiter?.reject(error);
    this.#queue = [];
    this.#options.onFatal(error);
  }
}

async function readEntries(locations: readonly EntryLocation[]): Promise<LogEntry[]> {
  const first = locations[0];
  const last = locations.at(-1);
  if (!first || !last) return [];
  const bytes = await first.segment.file.read(first.offset, last.end - first.offset);
  return locations.map(({ segment, offset, previousChecksum }) => {
    const reading = readRecord(bytes, offset - first.offset, previousChecksum);
    if (reading.kind !== 'record') {
      throw new GradswarmError('corrupted', `${segment.path}, offset ${offset}: the record has changed.`);
    }
    const { index, term, payload } = reading.record;
    return { index, term, payload };
  });
}
