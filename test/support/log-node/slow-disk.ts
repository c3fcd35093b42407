import { setTimeout as wait } from 'node:timers/promises';
import type { Disk, DiskFile } from '../../../server/storage/disk/disk.ts';

/** The same disk, whose syncs take `delayMs()` longer. */
export function slowDisk(disk: Disk, delayMs: () => number): Disk {
  const pause = async (): Promise<void> => {
    if (delayMs() > 0) await wait(delayMs());
  };
  const slow = (file: DiskFile): DiskFile => ({
    size: () => file.size(),
    read: (offset, length) => file.read(offset, length),
    write: (offset, bytes) => file.write(offset, bytes),
    async writeDurably(offset, bytes) {
      await pause();
      await file.writeDurably(offset, bytes);
    },
    async datasync() {
      await pause();
      await file.datasync();
    },
    close: () => file.close(),
  });
  return {
    makeFolder: (path) => disk.makeFolder(path),
    create: async (path) => slow(await disk.create(path)),
    open: async (path) => slow(await disk.open(path)),
    rename: (from, to) => disk.rename(from, to),
    remove: (path) => disk.remove(path),
    list: (folder) => disk.list(folder),
    async syncFolder(folder) {
      await pause();
      await disk.syncFolder(folder);
    },
  };
}
