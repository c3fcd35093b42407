import * as fs from 'node:fs';
import { readdir, rename, unlink } from 'node:fs/promises';
import { makeDurableFolder } from '../durable-files.ts';
import type { Disk, DiskFile } from './disk.ts';

/** The real disk. Every call runs in the thread pool, so a slow disk does not hold up the event loop. */
export const nodeDisk: Disk = {
  makeFolder: async (path) => makeDurableFolder(path),
  create: async (path) => nodeFile(path, await open(path, 'w+')),
  open: async (path) => nodeFile(path, await open(path, 'r+')),
  rename,
  remove: unlink,
  list: async (folder) => (await readdir(folder)).sort(),
  syncFolder: async (folder) => {
    const descriptor = await open(folder, 'r');
    try {
      await call<void>((end) => fs.fsync(descriptor, end));
    } finally {
      await close(descriptor);
    }
  },
};

/** Descriptors and callbacks: the log of a busy cluster would spend much of its time in the promises of `FileHandle`. */
function nodeFile(path: string, descriptor: number): DiskFile {
  /** Of the same file: each of its writes returns when it is durable. */
  let durable: number | undefined;
  return {
    size: () => call<number>((end) => fs.fstat(descriptor, (error, stats) => end(error, stats?.size))),
    read: async (offset, length) => {
      const bytes = new Uint8Array(length);
      let filled = 0;
      while (filled < length) {
        const position = offset + filled;
        const count = await call<number>((end) =>
          fs.read(descriptor, bytes, filled, length - filled, position, end),
        );
        if (count === 0) break;
        filled += count;
      }
      return bytes.subarray(0, filled);
    },
    write: (offset, bytes) => writeAll(descriptor, offset, bytes),
    writeDurably: async (offset, bytes) => {
      if (!syncsAsItWrites) {
        await writeAll(descriptor, offset, bytes);
        await call<void>((end) => fs.fdatasync(descriptor, end));
        return;
      }
      durable ??= await open(path, fs.constants.O_WRONLY | fs.constants.O_DSYNC);
      await writeAll(durable, offset, bytes);
    },
    datasync: () => call<void>((end) => fs.fdatasync(descriptor, end)),
    close: async () => {
      await close(descriptor);
      if (durable !== undefined) await close(durable);
    },
  };
}

/** There, one turn of the thread pool does for both; elsewhere the flag does not reach the disk itself. */
const syncsAsItWrites = process.platform === 'linux';

async function writeAll(descriptor: number, offset: number, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    const position = offset + written;
    written += await call<number>((end) =>
      fs.write(descriptor, bytes, written, bytes.length - written, position, end),
    );
  }
}

function open(path: string, flags: string | number): Promise<number> {
  return call<number>((end) => fs.open(path, flags, 0o666, end));
}

function close(descriptor: number): Promise<void> {
  return call<void>((end) => fs.close(descriptor, end));
}

type End<Result> = (error: Error | null | undefined, result?: Result) => void;

function call<Result>(start: (end: End<Result>) => void): Promise<Result> {
  return new Promise((resolve, reject) => {
    start((error, result) => {
      if (error) reject(error);
      else resolve(result as Result);
    });
  });
}
