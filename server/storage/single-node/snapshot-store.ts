import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { GradswarmError } from '../../../shared/base/errors.ts';
import type { Disk } from '../disk/disk.ts';

/**
 * State at one index of the log, in one file `<index>.snapshot`, little-endian:
 *
 *     0  magic        16  cluster id (16 bytes)    48  u64 bytes of sessions    64  SHA-256 of everything else
 *     8  u64 version  32  u64 index, u64 epoch     56  u64 bytes of state       96  sessions, then state
 */
export interface Snapshot {
  readonly index: number;
  readonly epoch: number;
  readonly sessions: Uint8Array;
  readonly state: Uint8Array;
}

const headerBytes = 96;
const digestOffset = 64;
const magic = new TextEncoder().encode('GSWRSNAP');
const version = 1n;
const snapshotName = /^(\d{16})\.snapshot$/;

/** Keeps the newest snapshot. */
export class SnapshotStore {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #clusterId: string;

  private constructor(disk: Disk, folder: string, clusterId: string) {
    this.#disk = disk;
    this.#folder = folder;
    this.#clusterId = clusterId;
  }

  static async open(disk: Disk, folder: string, clusterId: string): Promise<SnapshotStore> {
    await disk.makeFolder(folder);
    for (const name of await disk.list(folder)) {
      if (!snapshotName.test(name)) await disk.remove(join(folder, name));
    }
    return new SnapshotStore(disk, folder, clusterId);
  }

  /** @throws GradswarmError `corrupted` naming the file. */
  async loadNewest(): Promise<Snapshot | undefined> {
    const names = await this.#disk.list(this.#folder);
    const newest = names.filter((name) => snapshotName.test(name)).at(-1);
    if (newest === undefined) return undefined;
    const path = join(this.#folder, newest);
    const file = await this.#disk.open(path);
    try {
      return decodeSnapshot(await file.read(0, await file.size()), path, this.#clusterId);
    } finally {
      await file.close();
    }
  }

  /** Durable when it resolves; only then are older ones removed. */
  async save(snapshot: Snapshot): Promise<void> {
    const name = `${String(snapshot.index).padStart(16, '0')}.snapshot`;
    const path = join(this.#folder, name);
    const file = await this.#disk.create(`${path}.new`);
    try {
      await file.write(0, encodeHeader(snapshot, this.#clusterId));
      await file.write(headerBytes, snapshot.sessions);
      await file.write(headerBytes + snapshot.sessions.length, snapshot.state);
      await file.datasync();
    } finally {
      await file.close();
    }
    await this.#disk.rename(`${path}.new`, path);
    await this.#disk.syncFolder(this.#folder);
    for (const older of await this.#disk.list(this.#folder)) {
      if (snapshotName.test(older) && older < name) await this.#disk.remove(join(this.#folder, older));
    }
  }
}

function encodeHeader(snapshot: Snapshot, clusterId: string): Uint8Array {
  const header = new Uint8Array(headerBytes);
  const view = new DataView(header.buffer);
  header.set(magic);
  view.setBigUint64(8, version, true);
  header.set(Buffer.from(clusterId, 'hex'), 16);
  view.setBigUint64(32, BigInt(snapshot.index), true);
  view.setBigUint64(40, BigInt(snapshot.epoch), true);
  view.setBigUint64(48, BigInt(snapshot.sessions.length), true);
  view.setBigUint64(56, BigInt(snapshot.state.length), true);
  header.set(digest(header, snapshot.sessions, snapshot.state), digestOffset);
  return header;
}

function digest(header: Uint8Array, ...rest: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha256').update(header.subarray(0, digestOffset));
  for (const bytes of rest) hash.update(bytes);
  return hash.digest();
}

function decodeSnapshot(bytes: Uint8Array, path: string, clusterId: string): Snapshot {
  const fail = (reason: string) =>
    new GradswarmError(
      'corrupted',
      `${path}, offset 0: ${reason}. Restore the data folder from a copy, or remove it to begin anew.`,
    );
  if (bytes.length < headerBytes) throw fail(`the file has only ${bytes.length} bytes`);
  const content = bytes.subarray(headerBytes);
  const expected = digest(bytes.subarray(0, headerBytes), content);
  if (Buffer.compare(expected, bytes.subarray(digestOffset, headerBytes)) !== 0) {
    throw fail('the content does not match its SHA-256');
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (Buffer.compare(magic, bytes.subarray(0, 8)) !== 0) throw fail('this is not a snapshot');
  if (view.getBigUint64(8, true) !== version) {
    throw new GradswarmError('dataFolderVersion', `${path} was written by another version of gradswarm.`);
  }
  if (Buffer.from(bytes.subarray(16, 32)).toString('hex') !== clusterId) {
    throw new GradswarmError('conflict', `${path} is of another cluster.`);
  }
  const sessionsLength = Number(view.getBigUint64(48, true));
  return {
    index: Number(view.getBigUint64(32, true)),
    epoch: Number(view.getBigUint64(40, true)),
    sessions: content.subarray(0, sessionsLength),
    state: content.subarray(sessionsLength),
  };
}
