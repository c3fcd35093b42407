import { join } from 'node:path';
import type { Disk, DiskFile } from '../disk/disk.ts';
import { encodeSegmentHeader, type SegmentHeader, segmentHeaderBytes, segmentKey } from './segment-header.ts';

/** One open segment file and the place where the next record goes. */
export interface Segment {
  readonly path: string;
  readonly file: DiskFile;
  readonly header: SegmentHeader;
  /** Seals marks and begins the chain. */
  readonly key: number;
  /** End of the written records. */
  end: number;
  /** Chained checksum at `end`. */
  checksum: number;
  /** Largest index of an entry ever written here; 0 without one. */
  lastIndex: number;
}

const extension = '.segment';
const temporaryExtension = '.new';
const zeroBlock = new Uint8Array(1024 * 1024);

export function segmentName(sequence: number): string {
  return `${String(sequence).padStart(10, '0')}${extension}`;
}

export const isSegmentName = (name: string): boolean => /^\d{10}\.segment$/.test(name);
export const isTemporaryName = (name: string): boolean => name.endsWith(temporaryExtension);

/** The file has its full length, in zeros, and is durable under its name before it is used. */
export async function createSegment(disk: Disk, folder: string, header: SegmentHeader): Promise<Segment> {
  const path = join(folder, segmentName(header.sequence));
  const file = await disk.create(path + temporaryExtension);
  const headerBytes = encodeSegmentHeader(header);
  await file.write(0, headerBytes);
  for (let offset = segmentHeaderBytes; offset < header.segmentBytes; offset += zeroBlock.length) {
    await file.write(offset, zeroBlock.subarray(0, header.segmentBytes - offset));
  }
  await file.datasync();
  await file.close();
  await disk.rename(path + temporaryExtension, path);
  await disk.syncFolder(folder);
  const key = segmentKey(headerBytes);
  return {
    path,
    file: await disk.open(path),
    header,
    key,
    end: segmentHeaderBytes,
    checksum: key,
    lastIndex: 0,
  };
}
