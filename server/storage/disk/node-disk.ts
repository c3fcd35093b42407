import { type FileHandle, open, readdir, rename, unlink } from 'node:fs/promises';
import { makeDurableFolder } from '../durable-files.ts';
import type { Disk, DiskFile } from './disk.ts';

/** The real disk. Every call runs in the thread pool, so a slow disk does not hold up the event loop. */
export const nodeDisk: Disk = {
  makeFolder: async (path) => makeDurableFolder(path),
  create: async (path) => nodeFile(await open(path, 'w+')),
  open: async (path) => nodeFile(await open(path, 'r+')),
  rename,
  remove: unlink,
  list: async (folder) => (await readdir(folder)).sort(),
  syncFolder: async (folder) => {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
};

function nodeFile(handle: FileHandle): DiskFile {
  return {
    size: async () => (await handle.stat()).size,
    read: async (offset, length) => {
      const bytes = new Uint8Array(length);
      let filled = 0;
      while (filled < length) {
        const { bytesRead } = await handle.read(bytes, filled, length - filled, offset + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return bytes.subarray(0, filled);
    },
    write: async (offset, bytes) => {
      let written = 0;
      while (written < bytes.length) {
        const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, offset + written);
        written += bytesWritten;
      }
    },
    datasync: () => handle.datasync(),
    close: () => handle.close(),
  };
}
