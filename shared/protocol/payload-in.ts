import { GradswarmError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Envelope } from '../gen/gradswarm/v1/envelope_pb.ts';
import type { Checksum } from './checksum.ts';

/** Memory that payloads may take together, from their first frame to the end of their call. */
export interface PayloadBudget {
  /** False when the bytes would not fit. */
  reserve(bytes: number): boolean;
  release(bytes: number): void;
}

export function createPayloadBudget(bytesMax: number, parent?: PayloadBudget): PayloadBudget {
  let used = 0;
  return {
    reserve(bytes) {
      if (used + bytes > bytesMax || (parent && !parent.reserve(bytes))) return false;
      used += bytes;
      return true;
    },
    release(bytes) {
      used -= bytes;
      parent?.release(bytes);
    },
  };
}

/** One payload that is being joined from its frames. */
export interface IncomingPayload {
  readonly complete: boolean;
  /** Takes the next frame's part. @throws GradswarmError `wrongLength` for one out of order or of a forbidden size. */
  add(offset: number, part: Uint8Array): void;
  /**
   * The whole payload in a buffer of its own, so that it is aligned and may be transferred to another thread.
   * @throws GradswarmError `checksumMismatch`.
   */
  take(): Uint8Array;
  /** Gives the reserved memory back; safe to call more than once. */
  discard(): void;
}

/** Of calls without one. */
const nothing: IncomingPayload = {
  complete: true,
  add: (offset, part) => checkPart(0, offset, part.length),
  take: () => new Uint8Array(0),
  discard() {},
};

/**
 * Starts with the frame that announces the payload. Every length is checked before memory is taken.
 * @throws GradswarmError `tooLarge`, `wrongLength` or `unavailable`.
 */
export function beginPayload(
  envelope: Envelope,
  first: Uint8Array,
  bytesMax: number,
  budget: PayloadBudget,
  checksum: Checksum,
): IncomingPayload {
  const total = envelope.payloadBytes;
  if (total > bytesMax) {
    throw new GradswarmError(
      'tooLarge',
      `payload of ${total} bytes; here at most ${bytesMax}`,
      'payloadBytes',
    );
  }
  checkPart(total, 0, first.length);
  if (total === 0) return nothing;
  if (!budget.reserve(total)) {
    throw new GradswarmError('unavailable', 'too many payloads are under way; try again');
  }
  const bytes = new Uint8Array(total);
  bytes.set(first);
  let received = first.length;
  let sum = checksum(first);
  let reserved = total;
  return {
    get complete() {
      return received === total;
    },
    add(offset, part) {
      checkPart(total, offset, part.length, received);
      bytes.set(part, offset);
      sum = checksum(part, sum);
      received += part.length;
    },
    take() {
      checkSum(envelope.payloadChecksum, sum);
      return bytes;
    },
    discard() {
      budget.release(reserved);
      reserved = 0;
    },
  };
}

function checkPart(total: number, offset: number, length: number, received = 0): void {
  if (offset !== received || length > total - received) {
    const got = `bytes ${offset} to ${offset + length}`;
    throw new GradswarmError('wrongLength', `${got} of a payload of ${total} bytes, after ${received}`);
  }
  if (length < limits.frameChunkBytesMin && length < total - received) {
    const rule = `every part but the last has at least ${limits.frameChunkBytesMin}`;
    throw new GradswarmError('wrongLength', `a part of ${length} bytes inside a payload: ${rule}`);
  }
}

function checkSum(expected: number, actual: number): void {
  if (expected === actual) return;
  const hex = (value: number): string => value.toString(16).padStart(8, '0');
  throw new GradswarmError(
    'checksumMismatch',
    `payload sums to ${hex(actual)}, its header says ${hex(expected)}`,
  );
}
