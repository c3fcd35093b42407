import { createHash } from 'node:crypto';
import { assert } from '../../../shared/base/assert.ts';

/** What a snapshot consists of: `u64` bytes of sessions, little-endian, then sessions, then the state. */
export interface SnapshotParts {
  readonly sessions: Uint8Array;
  readonly state: Uint8Array;
}

const lengthBytes = 8;

export function encodeSnapshotBlob({ sessions, state }: SnapshotParts): Uint8Array {
  const blob = new Uint8Array(lengthBytes + sessions.length + state.length);
  new DataView(blob.buffer).setBigUint64(0, BigInt(sessions.length), true);
  blob.set(sessions, lengthBytes);
  blob.set(state, lengthBytes + sessions.length);
  return blob;
}

/** Views of `blob`, which matched its hash. */
export function decodeSnapshotBlob(blob: Uint8Array): SnapshotParts {
  assert(blob.length >= lengthBytes, 'a snapshot that matches its hash has its length of sessions');
  const length = new DataView(blob.buffer, blob.byteOffset, lengthBytes).getBigUint64(0, true);
  const stateStart = lengthBytes + Number(length);
  assert(stateStart <= blob.length, 'a snapshot that matches its hash holds its sessions');
  return { sessions: blob.subarray(lengthBytes, stateStart), state: blob.subarray(stateStart) };
}

/** As `SnapshotMeta.sha256` has it. */
export function hashSnapshot(blob: Uint8Array): string {
  return createHash('sha256').update(blob).digest('hex');
}
