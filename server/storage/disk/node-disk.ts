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
  const uses = createUses();
  /** Of the same file: each of its writes returns when it is durable. */
  let durable: number | undefined;
  const datasync = () => call<void>((end) => fs.fdatasync(descriptor, end));
  return {
    size: () =>
      uses.during(() =>
        call<number>((end) => fs.fstat(descriptor, (error, stats) => end(error, stats?.size))),
      ),
    read: (offset, length) => uses.during(() => readAll(descriptor, offset, length)),
    write: (offset, bytes) => uses.during(() => writeAll(descriptor, offset, bytes)),
    writeDurably: (offset, bytes) =>
      uses.during(async () => {
        if (syncsAsItWrites) {
          durable ??= await open(path, fs.constants.O_WRONLY | fs.constants.O_DSYNC);
          await writeAll(durable, offset, bytes);
        } else {
          await writeAll(descriptor, offset, bytes);
          await datasync();
        }
      }),
    datasync: () => uses.during(datasync),
    close: () =>
      uses.end(async () => {
        await close(descriptor);
        if (durable !== undefined) await close(durable);
      }),
  };
}

/** The number of a closed descriptor soon belongs to another file: nothing may use it then, and nothing close it twice. */
function createUses() {
  let count = 0;
  let ended: Promise<void> | undefined;
  let isUnused = (): void => {};
  return {
    async during<Result>(use: () => Promise<Result>): Promise<Result> {
      if (ended) throw new Error('The file is closed.');
      count += 1;
      try {
        return await use();
      } finally {
        count -= 1;
        if (count === 0) isUnused();
      }
    },
    end(close: () => Promise<void>): Promise<void> {
      ended ??= new Promise<void>((resolve) => {
        isUnused = resolve;
        if (count === 0) resolve();
      }).then(close);
      return ended;
    },
  };
}

async function readAll(descriptor: number, offset: number, length: number): Promise<Uint8Array> {
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
