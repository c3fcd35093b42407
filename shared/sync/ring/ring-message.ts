import { GradswarmError } from '../../base/errors.ts';

/** CRC-32 of `bytes`, continued from `previous`. */
type Checksum = (bytes: Uint8Array, previous?: number) => number;

/** Which exchange a message belongs to. */
export interface RingIdentity {
  /** Of the leader that made the plan. */
  readonly epoch: number;
  readonly round: number;
  /** Names one opening of the round: what members hold was summed for it. */
  readonly ringId: number;
  /** Grows with every plan of the round. */
  readonly ringEpoch: number;
}

/** One segment on its way from a member to its successor. */
export interface RingMessage extends RingIdentity {
  /** Position of the sender in the ring. */
  readonly position: number;
  readonly step: number;
  /** First value of the segment in the whole vector, and how many follow. */
  readonly start: number;
  readonly count: number;
  /** Packed sums (`shared/tensor/packed-sums.ts`). */
  readonly payload: Uint8Array;
}

/**
 * Little-endian:
 *
 *     offset  0  u32  0x31474e52, "RNG1"
 *             4  u32  CRC-32 of everything after it
 *             8  f64  epoch of the leader
 *            16  u32  round
 *            20  u32  ring id
 *            24  u32  ring epoch
 *            28  u16  position of the sender
 *            30  u16  step
 *            32  u32  first value
 *            36  u32  count of values
 *            40       packed sums
 */
export const ringHeaderBytes = 40;
const magic = 0x31474e52;

export function encodeRingMessage(message: RingMessage, checksum: Checksum): Uint8Array {
  const { payload } = message;
  const bytes = new Uint8Array(ringHeaderBytes + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, magic, true);
  view.setFloat64(8, message.epoch, true);
  view.setUint32(16, message.round, true);
  view.setUint32(20, message.ringId, true);
  view.setUint32(24, message.ringEpoch, true);
  view.setUint16(28, message.position, true);
  view.setUint16(30, message.step, true);
  view.setUint32(32, message.start, true);
  view.setUint32(36, message.count, true);
  bytes.set(payload, ringHeaderBytes);
  view.setUint32(4, checksum(bytes.subarray(8)), true);
  return bytes;
}

/** @throws GradswarmError `malformedFrame` or `checksumMismatch`. */
export function decodeRingMessage(bytes: Uint8Array, checksum: Checksum): RingMessage {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < ringHeaderBytes || view.getUint32(0, true) !== magic) {
    throw new GradswarmError('malformedFrame', 'These bytes are no message of a ring.');
  }
  if (view.getUint32(4, true) !== checksum(bytes.subarray(8))) {
    throw new GradswarmError('checksumMismatch', 'A message of the ring does not match its checksum.');
  }
  return {
    epoch: view.getFloat64(8, true),
    round: view.getUint32(16, true),
    ringId: view.getUint32(20, true),
    ringEpoch: view.getUint32(24, true),
    position: view.getUint16(28, true),
    step: view.getUint16(30, true),
    start: view.getUint32(32, true),
    count: view.getUint32(36, true),
    payload: bytes.subarray(ringHeaderBytes),
  };
}
