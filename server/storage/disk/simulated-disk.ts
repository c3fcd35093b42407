import { dirname } from 'node:path';
import { assert } from '../../../shared/base/assert.ts';
import type { Random } from '../../../shared/base/random.ts';
import { type Disk, type DiskFile, sectorBytes } from './disk.ts';

export class PowerLoss extends Error {
  constructor() {
    super('The simulated disk has lost its power.');
  }
}

/** Which unsynced changes a crash keeps: none, all, or a random choice of sectors and a random prefix of renames. */
export type CrashMode = 'lose' | 'keep' | Random;

interface Inode {
  durable: Uint8Array;
  current: Uint8Array;
  unsynced: { readonly offset: number; readonly bytes: Uint8Array }[];
}

type Names = Map<string, Inode>;

interface NameChange {
  readonly folder: string;
  readonly apply: (names: Names) => void;
}

/**
 * A disk in memory that may fail as real ones do: writes since the last `datasync` survive a crash sector by sector,
 * in any subset; names survive in the order in which they were changed. `powerFailsAfter` counts down operations;
 * the one that meets zero, and all later ones, reject with `PowerLoss`.
 */
export class SimulatedDisk implements Disk {
  powerFailsAfter = Number.POSITIVE_INFINITY;
  /** The next `datasync` rejects with this error. */
  datasyncFailure: Error | undefined;
  operations = 0;
  #current: Names = new Map();
  #durable: Names = new Map();
  #unsyncedNames: NameChange[] = [];

  /** The disk that the next process finds. This one stays as it is, so that many crashes can be tried. */
  crash(mode: CrashMode): SimulatedDisk {
    const survivor = new SimulatedDisk();
    const names = new Map(this.#durable);
    const kept = chooseCount(mode, this.#unsyncedNames.length);
    for (const change of this.#unsyncedNames.slice(0, kept)) change.apply(names);
    for (const [path, inode] of names) survivor.#install(path, survivingBytes(inode, mode));
    return survivor;
  }

  /** A copy of what is stored, with one file replaced. */
  withFile(path: string, bytes: Uint8Array): SimulatedDisk {
    const copy = this.crash('keep');
    copy.#install(path, bytes);
    return copy;
  }

  fileBytes(path: string): Uint8Array {
    return this.#inode(path).current.slice();
  }

  paths(): string[] {
    return [...this.#current.keys()].sort();
  }

  async makeFolder(): Promise<void> {}

  async create(path: string): Promise<DiskFile> {
    this.#step();
    const inode: Inode = { durable: new Uint8Array(), current: new Uint8Array(), unsynced: [] };
    this.#changeNames(dirname(path), (names) => names.set(path, inode));
    return this.#file(inode);
  }

  async open(path: string): Promise<DiskFile> {
    return this.#file(this.#inode(path));
  }

  async rename(from: string, to: string): Promise<void> {
    assert(dirname(from) === dirname(to), 'renames stay inside one folder');
    const inode = this.#inode(from);
    this.#step();
    this.#changeNames(dirname(from), (names) => {
      names.delete(from);
      names.set(to, inode);
    });
  }

  async remove(path: string): Promise<void> {
    this.#inode(path);
    this.#step();
    this.#changeNames(dirname(path), (names) => names.delete(path));
  }

  async list(folder: string): Promise<string[]> {
    const prefix = `${folder}/`;
    const inside = this.paths().filter((path) => path.startsWith(prefix));
    return inside.map((path) => path.slice(prefix.length)).filter((name) => !name.includes('/'));
  }

  async syncFolder(folder: string): Promise<void> {
    this.#step();
    for (const change of this.#unsyncedNames) if (change.folder === folder) change.apply(this.#durable);
    this.#unsyncedNames = this.#unsyncedNames.filter((change) => change.folder !== folder);
  }

  #step(): void {
    this.operations++;
    this.powerFailsAfter--;
    if (this.powerFailsAfter < 0) throw new PowerLoss();
  }

  #changeNames(folder: string, apply: (names: Names) => void): void {
    apply(this.#current);
    this.#unsyncedNames.push({ folder, apply });
  }

  #inode(path: string): Inode {
    const inode = this.#current.get(path);
    if (!inode) throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' });
    return inode;
  }

  #install(path: string, bytes: Uint8Array): void {
    const inode: Inode = { durable: bytes.slice(), current: bytes.slice(), unsynced: [] };
    this.#current.set(path, inode);
    this.#durable.set(path, inode);
  }

  #file(inode: Inode): DiskFile {
    const write = async (offset: number, bytes: Uint8Array): Promise<void> => {
      const change = { offset, bytes: bytes.slice() };
      inode.unsynced.push(change);
      inode.current = overwrite(inode.current, offset, change.bytes);
      this.#step();
    };
    const datasync = async (): Promise<void> => {
      this.#step();
      const failure = this.datasyncFailure;
      this.datasyncFailure = undefined;
      if (failure) throw failure;
      for (const { offset, bytes } of inode.unsynced) {
        inode.durable = overwrite(inode.durable, offset, bytes);
      }
      inode.unsynced = [];
    };
    return {
      size: async () => inode.current.length,
      read: async (offset, length) => inode.current.slice(offset, offset + length),
      write,
      writeDurably: async (offset, bytes) => {
        await write(offset, bytes);
        await datasync();
      },
      datasync,
      close: async () => {},
    };
  }
}

function overwrite(target: Uint8Array, offset: number, bytes: Uint8Array): Uint8Array {
  const end = offset + bytes.length;
  const result = end > target.length ? new Uint8Array(end) : target;
  if (result !== target) result.set(target);
  result.set(bytes, offset);
  return result;
}

function chooseCount(mode: CrashMode, count: number): number {
  if (mode === 'lose') return 0;
  return mode === 'keep' ? count : mode.below(count + 1);
}

function survivingBytes(inode: Inode, mode: CrashMode): Uint8Array {
  if (mode === 'lose') return inode.durable;
  if (mode === 'keep') return inode.current;
  let bytes: Uint8Array = inode.durable.slice();
  for (const write of inode.unsynced) {
    let offset = write.offset;
    while (offset < write.offset + write.bytes.length) {
      const next = Math.min(
        (Math.floor(offset / sectorBytes) + 1) * sectorBytes,
        write.offset + write.bytes.length,
      );
      const piece = write.bytes.subarray(offset - write.offset, next - write.offset);
      if (mode.below(2) === 0) bytes = overwrite(bytes, offset, piece);
      offset = next;
    }
  }
  return bytes;
}
