import { GradswarmError } from '../../../shared/base/errors.ts';
import { asInteger, asObject } from './gateway-messages.ts';

/** Bytes that are spread over several keys. */
export interface StoredBytes {
  readonly length: number;
  /** SHA-256 in hexadecimal. */
  readonly hash: string;
}

/** The value of the snapshot key: the state and the sessions themselves are in pieces below `folder`. */
export interface SnapshotReference {
  readonly index: number;
  /** Of the entry at `index`. */
  readonly epoch: number;
  /** The first entry that is still kept. */
  readonly firstIndex: number;
  /** Last entry that the sessions know of; at least `index`. */
  readonly sessionsIndex: number;
  /** Never used for another snapshot. */
  readonly folder: string;
  readonly sessions: StoredBytes;
  readonly state: StoredBytes;
}

export function encodeReference(reference: SnapshotReference): string {
  return JSON.stringify(reference);
}

/** @throws GradswarmError `corrupted`. */
export function decodeReference(key: string, value: Uint8Array): SnapshotReference {
  try {
    const fields = asObject(JSON.parse(new TextDecoder().decode(value)));
    return {
      index: positive(fields['index']),
      epoch: positive(fields['epoch']),
      firstIndex: positive(fields['firstIndex']),
      sessionsIndex: positive(fields['sessionsIndex']),
      folder: text(fields['folder']),
      sessions: stored(fields['sessions']),
      state: stored(fields['state']),
    };
  } catch {
    throw new GradswarmError(
      'corrupted',
      `The value of ${key} in etcd is no description of a snapshot. Restore etcd from a copy, or use another prefix ` +
        'to begin anew.',
    );
  }
}

function stored(value: unknown): StoredBytes {
  const fields = asObject(value);
  return { length: asInteger(fields['length']), hash: text(fields['hash']) };
}

function positive(value: unknown): number {
  const number = asInteger(value);
  if (number < 1) throw new RangeError('a number of at least 1 belongs here');
  return number;
}

function text(value: unknown): string {
  if (typeof value !== 'string' || value === '') throw new TypeError('text belongs here');
  return value;
}
