import { crc32 } from 'node:zlib';
import { GradswarmError } from '../../../shared/base/errors.ts';
import { viewOf } from './record.ts';

/**
 * First 64 bytes of a segment, little-endian:
 *
 *     0  magic           16  cluster id (16 bytes)    40  u64 index after the last entry before this segment
 *     8  u32 version     32  u64 sequence             48  u64 length of the file, which never changes
 *    12  u32 checksum                                 56  u32 checksum of the segment before; 0 in the first
 */
export interface SegmentHeader {
  readonly clusterId: string;
  readonly sequence: number;
  readonly firstIndex: number;
  readonly segmentBytes: number;
  readonly previousChecksum: number;
}

export const segmentHeaderBytes = 64;
const magic = new TextEncoder().encode('GSWRMLOG');
const version = 1;
const checksumOffset = 12;

export function encodeSegmentHeader(header: SegmentHeader): Uint8Array {
  const bytes = new Uint8Array(segmentHeaderBytes);
  const view = viewOf(bytes);
  bytes.set(magic);
  view.setUint32(8, version, true);
  bytes.set(Buffer.from(header.clusterId, 'hex'), 16);
  view.setBigUint64(32, BigInt(header.sequence), true);
  view.setBigUint64(40, BigInt(header.firstIndex), true);
  view.setBigUint64(48, BigInt(header.segmentBytes), true);
  view.setUint32(56, header.previousChecksum, true);
  view.setUint32(checksumOffset, segmentKey(bytes), true);
  return bytes;
}

/** Checksum of the header: the chain of the segment's records begins with it, and its marks are sealed with it. */
export function segmentKey(bytes: Uint8Array): number {
  return crc32(
    bytes.subarray(checksumOffset + 4, segmentHeaderBytes),
    crc32(bytes.subarray(0, checksumOffset)),
  );
}

/** @throws GradswarmError `corrupted` or `dataFolderVersion`, naming `path`. */
export function decodeSegmentHeader(bytes: Uint8Array, path: string): SegmentHeader {
  const view = viewOf(bytes);
  if (bytes.length < segmentHeaderBytes || magic.some((byte, index) => bytes[index] !== byte)) {
    throw new GradswarmError('corrupted', `${path}, offset 0: this is not a log segment.`);
  }
  if (segmentKey(bytes) !== view.getUint32(checksumOffset, true)) {
    throw new GradswarmError('corrupted', `${path}, offset 0: the header fails its checksum.`);
  }
  const foundVersion = view.getUint32(8, true);
  if (foundVersion !== version) {
    throw new GradswarmError(
      'dataFolderVersion',
      `${path} has format ${foundVersion}; this program reads ${version}. Use the program that wrote it.`,
    );
  }
  return {
    clusterId: Buffer.from(bytes.subarray(16, 32)).toString('hex'),
    sequence: Number(view.getBigUint64(32, true)),
    firstIndex: Number(view.getBigUint64(40, true)),
    segmentBytes: Number(view.getBigUint64(48, true)),
    previousChecksum: view.getUint32(56, true),
  };
}
