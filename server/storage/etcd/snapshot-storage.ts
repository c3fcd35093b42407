import { createHash } from 'node:crypto';
import { GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';
import { SessionTable } from '../../raft/session-table.ts';
import type { EtcdGateway } from './gateway.ts';
import {
  compareCreateRevision,
  deleteRange,
  getKey,
  type JsonObject,
  put,
  readTransaction,
} from './gateway-messages.ts';
import { type EtcdKeys, endOf, padIndex } from './keys.ts';
import { encodeReference, type SnapshotReference, type StoredBytes } from './snapshot-reference.ts';

export interface SnapshotContent {
  readonly index: number;
  readonly epoch: number;
  readonly firstIndex: number;
  readonly sessionsIndex: number;
  readonly sessions: Uint8Array;
  readonly state: Uint8Array;
}

export interface StoredSnapshot {
  readonly reference: SnapshotReference;
  /** Of etcd, when the snapshot took effect. */
  readonly revision: number;
}

/**
 * Snapshots in etcd: bytes in pieces under keys of their own, then one transaction that names them, removes the
 * entries they stand for, and removes the pieces of all others. Each write holds only under the writer's epoch.
 */
export class SnapshotStorage {
  readonly #gateway: EtcdGateway;
  readonly #keys: EtcdKeys;
  readonly #signal: AbortSignal;
  #stored = 0;

  constructor(gateway: EtcdGateway, keys: EtcdKeys, signal: AbortSignal) {
    this.#gateway = gateway;
    this.#keys = keys;
    this.#signal = signal;
  }

  /** Undefined when `leaderEpoch` has ended. @throws EtcdError; `tooLarge` before anything is written. */
  async store(content: SnapshotContent, leaderEpoch: number): Promise<StoredSnapshot | undefined> {
    const { index, epoch, firstIndex, sessionsIndex, sessions, state } = content;
    if (sessions.length + state.length > limits.etcdSnapshotBytesMax) {
      throw new GradswarmError(
        'tooLarge',
        `A snapshot of ${sessions.length + state.length} bytes exceeds the limit of ${limits.etcdSnapshotBytesMax}.`,
      );
    }
    // The same leader may try the same index again: readers of the first attempt must not meet pieces of the second.
    const folder = `${this.#keys.snapshots}${padIndex(leaderEpoch)}-${padIndex(index)}-${++this.#stored}/`;
    const storedSessions = await this.#storeBytes(`${folder}sessions/`, sessions, leaderEpoch);
    const storedState = storedSessions && (await this.#storeBytes(`${folder}state/`, state, leaderEpoch));
    if (!storedState) return undefined;
    const reference: SnapshotReference = {
      index,
      epoch,
      firstIndex,
      sessionsIndex,
      folder,
      sessions: storedSessions,
      state: storedState,
    };
    const revision = await this.#write(leaderEpoch, [
      put(this.#keys.snapshot, encodeReference(reference)),
      deleteRange(this.#keys.log, `${this.#keys.log}${padIndex(firstIndex)}`),
      deleteRange(this.#keys.snapshots, folder),
      deleteRange(endOf(folder), endOf(this.#keys.snapshots)),
    ]);
    return revision === undefined ? undefined : { reference, revision };
  }

  /** Undefined when the snapshot has been replaced. @throws EtcdError, GradswarmError `corrupted`. */
  async readState({ folder, state }: SnapshotReference): Promise<Uint8Array | undefined> {
    return this.#readBytes(`${folder}state/`, state);
  }

  async readSessions({ folder, sessions }: SnapshotReference): Promise<SessionTable | undefined> {
    const bytes = await this.#readBytes(`${folder}sessions/`, sessions);
    return bytes && SessionTable.decode(bytes);
  }

  async #storeBytes(
    folder: string,
    bytes: Uint8Array,
    leaderEpoch: number,
  ): Promise<StoredBytes | undefined> {
    for (let start = 0; start < bytes.length; start += limits.etcdValueBytesMax) {
      const piece = bytes.subarray(start, start + limits.etcdValueBytesMax);
      const revision = await this.#write(leaderEpoch, [put(pieceKey(folder, start), piece)]);
      if (revision === undefined) return undefined;
    }
    return { length: bytes.length, hash: hashOf(bytes) };
  }

  async #readBytes(folder: string, { length, hash }: StoredBytes): Promise<Uint8Array | undefined> {
    const pieces: Uint8Array[] = [];
    for (let start = 0; start < length; start += limits.etcdValueBytesMax) {
      const request = { success: [getKey(pieceKey(folder, start))] };
      const answer = await this.#gateway.call('/v3/kv/txn', request, { signal: this.#signal });
      const piece = readTransaction(answer).ranges[0]?.pairs[0];
      if (!piece) return undefined;
      pieces.push(piece.value);
    }
    const bytes = Buffer.concat(pieces);
    if (bytes.length === length && hashOf(bytes) === hash) return bytes;
    throw new GradswarmError(
      'corrupted',
      `The snapshot below ${folder} in etcd does not match its SHA-256. Restore etcd from a copy, or use another ` +
        'prefix to begin anew.',
    );
  }

  /** etcd's revision of it; undefined when the epoch has ended. */
  async #write(leaderEpoch: number, success: readonly JsonObject[]): Promise<number | undefined> {
    const compare = [compareCreateRevision(this.#keys.leader, leaderEpoch)];
    const answer = await this.#gateway.call('/v3/kv/txn', { compare, success }, { signal: this.#signal });
    const { succeeded, revision } = readTransaction(answer);
    return succeeded ? revision : undefined;
  }
}

function pieceKey(folder: string, start: number): string {
  return `${folder}${padIndex(start)}`;
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
