import { crc32 } from 'node:zlib';
import { type LogRecord, markTypeCode, recordBytes, recordHeaderBytes, viewOf } from './record.ts';

/**
 * A mark says that everything in its segment before `durableEnd` was synced. It is written after that sync, and
 * becomes durable some time later; a record before `durableEnd` that cannot be read was therefore acknowledged and is
 * corrupted, never a torn tail. A mark is found without the chain that the damage broke: it has a seal of its own,
 * keyed by the segment's header.
 */
const payloadBytes = 8;
export const markBytes = recordBytes(payloadBytes);
const typeOffset = 12;

export function createMark(durableEnd: number, sequence: number, segmentKey: number): LogRecord {
  const payload = new Uint8Array(payloadBytes);
  viewOf(payload).setUint32(4, seal(durableEnd, sequence, segmentKey), true);
  return { type: 'mark', index: durableEnd, term: sequence, payload };
}

/** The largest `durableEnd` that any sealed mark at or after `from` proves; 0 without one. */
export function findDurableEnd(
  bytes: Uint8Array,
  from: number,
  sequence: number,
  segmentKey: number,
): number {
  const view = viewOf(bytes);
  let durableEnd = 0;
  for (let offset = Math.ceil(from / 8) * 8; offset + markBytes <= bytes.length; offset += 8) {
    if (
      view.getUint32(offset, true) !== payloadBytes ||
      view.getUint32(offset + typeOffset, true) !== markTypeCode
    )
      continue;
    const claimed = Number(view.getBigUint64(offset + 16, true));
    const found = view.getUint32(offset + recordHeaderBytes + 4, true);
    if (claimed > offset || found !== seal(claimed, sequence, segmentKey)) continue;
    durableEnd = Math.max(durableEnd, claimed);
  }
  return durableEnd;
}

function seal(durableEnd: number, sequence: number, segmentKey: number): number {
  const sealed = new Uint8Array(16);
  viewOf(sealed).setBigUint64(0, BigInt(durableEnd), true);
  viewOf(sealed).setBigUint64(8, BigInt(sequence), true);
  return crc32(sealed, segmentKey);
}
