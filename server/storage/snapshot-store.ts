import { join } from 'node:path';
import type { ClusterConfiguration } from '../raft/cluster-configuration.ts';
import type { Snapshot } from '../raft/raft.ts';
import type { Disk } from './disk/disk.ts';
import { replaceFile } from './disk/replace-file.ts';
import { decodeSnapshotFile, encodeSnapshotHead } from './snapshot-file.ts';

const snapshotName = /^\d{16}\.snapshot$/;
const stagedName = /^\d{16}\.staged$/;

const nameOf = (index: number): string => `${String(index).padStart(16, '0')}.snapshot`;
const stagedNameOf = (index: number): string => `${String(index).padStart(16, '0')}.staged`;

/**
 * Keeps the newest snapshot. A snapshot that replaces the log is staged, durably, before the log is emptied, and takes
 * effect afterwards: whatever a crash interrupts, log and snapshot join.
 */
export class SnapshotStore {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #clusterId: string;

  private constructor(disk: Disk, folder: string, clusterId: string) {
    this.#disk = disk;
    this.#folder = folder;
    this.#clusterId = clusterId;
  }

  /** `emptiedIndex`: the entry before the log's first; a snapshot staged at it takes effect, any other is void. */
  static async open(
    disk: Disk,
    folder: string,
    clusterId: string,
    emptiedIndex: number,
  ): Promise<SnapshotStore> {
    await disk.makeFolder(folder);
    const store = new SnapshotStore(disk, folder, clusterId);
    const names = await disk.list(folder);
    for (const name of names) {
      if (snapshotName.test(name)) continue;
      const takesEffect = stagedName.test(name) && name === stagedNameOf(emptiedIndex);
      if (takesEffect && !names.includes(nameOf(emptiedIndex))) await store.promote(emptiedIndex);
      else await disk.remove(join(folder, name));
    }
    return store;
  }

  /**
   * `alone`: the configuration of a snapshot from before there were clusters.
   * @throws GradswarmError `corrupted` or `conflict`, naming the file.
   */
  async loadNewest(alone: ClusterConfiguration): Promise<Snapshot | undefined> {
    const names = await this.#disk.list(this.#folder);
    const newest = names.filter((name) => snapshotName.test(name)).at(-1);
    if (newest === undefined) return undefined;
    const path = join(this.#folder, newest);
    const file = await this.#disk.open(path);
    try {
      return decodeSnapshotFile(await file.read(0, await file.size()), path, this.#clusterId, alone);
    } finally {
      await file.close();
    }
  }

  /** Durable when it resolves, and not in effect before `promote`. */
  async stage(snapshot: Snapshot): Promise<void> {
    const path = join(this.#folder, stagedNameOf(snapshot.meta.index));
    const head = encodeSnapshotHead(snapshot, this.#clusterId);
    await replaceFile(this.#disk, path, [head, snapshot.bytes]);
  }

  /** In effect, durably, when it resolves; only then are older ones removed. */
  async promote(index: number): Promise<void> {
    const name = nameOf(index);
    await this.#disk.rename(join(this.#folder, stagedNameOf(index)), join(this.#folder, name));
    await this.#disk.syncFolder(this.#folder);
    for (const older of await this.#disk.list(this.#folder)) {
      if (snapshotName.test(older) && older < name) await this.#disk.remove(join(this.#folder, older));
    }
  }
}
