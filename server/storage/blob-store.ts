import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { threadId } from 'node:worker_threads';
import { GradswarmError } from '../../shared/base/errors.ts';
import { asBlobHash, type BlobHash, isBlobHash } from '../../shared/base/ids.ts';
import type { BlobStore } from '../runtime/ports.ts';
import { makeDurableFolder, syncFolder, writeDurableFile } from './durable-files.ts';
import { ownIdentity } from './process-identity.ts';

const temporaryFolder = 'tmp';

/**
 * Blobs as files `ab/cdef…` named by their SHA-256. Threads of one process may each open the same folder; processes
 * exclude one another by the lock of the data folder. Temporary files of earlier processes are removed here.
 */
export function openBlobStore(folder: string): BlobStore {
  const temporary = join(folder, temporaryFolder);
  const { pid, startTime } = ownIdentity();
  const owner = `${pid}-${startTime.replaceAll('/', '-')}-`;
  makeDurableFolder(temporary);
  makeFanOut(folder);
  for (const name of readdirSync(temporary)) {
    if (!name.startsWith(owner)) rmSync(join(temporary, name), { force: true });
  }
  let written = 0;
  const nextTemporaryPath = () => join(temporary, `${owner}${threadId}-${openings}-${written++}`);
  const openings = nextOpening++;
  const pathOf = (hash: BlobHash) => join(folder, hash.slice(0, 2), hash.slice(2));
  const size = (hash: BlobHash) => statSync(pathOf(hash), { throwIfNoEntry: false })?.size;

  return {
    put: (bytes) => {
      const hash = sha256(bytes);
      const path = pathOf(hash);
      // A file that is there may have been renamed a moment ago by another thread, so its folder is synced anyway.
      if (size(hash) === bytes.length) syncFolder(dirname(path));
      else writeDurableFile(path, nextTemporaryPath(), bytes);
      return hash;
    },
    has: (hash) => existsSync(pathOf(hash)),
    get: (hash) => readVerified(hash, pathOf(hash)),
    size,
    delete: (hash) => rmSync(pathOf(hash), { force: true }),
    list: () => listBlobs(folder),
  };
}

/** All folders that a hash can name are made at once, so that storing a blob never has to make one durable. */
function makeFanOut(folder: string): void {
  for (let prefix = 0; prefix < 256; prefix++) {
    mkdirSync(join(folder, prefix.toString(16).padStart(2, '0')), { recursive: true });
  }
  syncFolder(folder);
}

/** Openings within this thread, so that two of them never share a temporary name. */
let nextOpening = 0;

export function sha256(bytes: Uint8Array): BlobHash {
  return asBlobHash(createHash('sha256').update(bytes).digest('hex'));
}

function readVerified(hash: BlobHash, path: string): Uint8Array {
  let bytes: Uint8Array;
  try {
    const { buffer, byteOffset, length } = readFileSync(path);
    bytes = new Uint8Array(buffer, byteOffset, length);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    throw new GradswarmError('notFound', `No blob ${hash} is stored.`);
  }
  if (sha256(bytes) === hash) return bytes;
  throw new GradswarmError(
    'corrupted',
    `${path} no longer has the content that its name says. Restore it from a copy, or remove it to do without.`,
  );
}

function listBlobs(folder: string): BlobHash[] {
  const prefixes = readdirSync(folder).filter((name) => /^[0-9a-f]{2}$/.test(name));
  const names = prefixes.flatMap((prefix) => readdirSync(join(folder, prefix)).map((rest) => prefix + rest));
  return names.filter(isBlobHash).sort();
}
