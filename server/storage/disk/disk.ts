/**
 * What a crash-safe log needs of a disk, and no more, so that a simulated disk can lose and tear exactly what a real
 * one may. Nothing is durable before `datasync` (contents and length) or `syncFolder` (names) has resolved.
 */
export interface Disk {
  /** Creates the folder and its parents, durably. */
  makeFolder(path: string): Promise<void>;
  /** A new empty file; an existing one is emptied. */
  create(path: string): Promise<DiskFile>;
  open(path: string): Promise<DiskFile>;
  /** Atomic; replaces the target. */
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Names in a folder, sorted. */
  list(folder: string): Promise<string[]>;
  syncFolder(folder: string): Promise<void>;
}

export interface DiskFile {
  size(): Promise<number>;
  /** Fewer bytes than `length` only at the end of the file. */
  read(offset: number, length: number): Promise<Uint8Array>;
  write(offset: number, bytes: Uint8Array): Promise<void>;
  /** As `write` and then `datasync`, of these bytes only. Not for a file that was renamed since it was opened. */
  writeDurably(offset: number, bytes: Uint8Array): Promise<void>;
  datasync(): Promise<void>;
  /** Waits for operations under way. */
  close(): Promise<void>;
}

/** The unit that a disk writes whole or not at all. */
export const sectorBytes = 512;
