import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** Names in the folder are durable when this returns. */
export function syncFolder(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Creates a folder durably, with its parents. */
export function makeDurableFolder(path: string): void {
  const firstCreated = mkdirSync(path, { recursive: true });
  if (firstCreated === undefined) return;
  for (let folder = path; ; folder = dirname(folder)) {
    syncFolder(dirname(folder));
    if (folder === firstCreated) return;
  }
}

/**
 * All of the bytes are under `path`, durably, or none: written to `temporaryPath`, synced, renamed. Both are in the
 * same file system.
 */
export function writeDurableFile(path: string, temporaryPath: string, bytes: Uint8Array): void {
  const descriptor = openSync(temporaryPath, 'w');
  try {
    for (let offset = 0; offset < bytes.length; ) offset += writeSync(descriptor, bytes, offset);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(temporaryPath, path);
  syncFolder(dirname(path));
}
