import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { GradswarmError } from '../../shared/base/errors.ts';

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
 * @throws GradswarmError `unavailable` when the disk is full: then nothing has changed.
 */
export function writeDurableFile(path: string, temporaryPath: string, bytes: Uint8Array): void {
  try {
    writeSynced(temporaryPath, bytes);
  } catch (error) {
    rmSync(temporaryPath, { force: true });
    if (!isFull(error)) throw error;
    const message = `${dirname(path)} has no room for ${bytes.length} bytes; free some space on its disk.`;
    throw new GradswarmError('unavailable', message);
  }
  renameSync(temporaryPath, path);
  syncFolder(dirname(path));
}

function writeSynced(path: string, bytes: Uint8Array): void {
  const descriptor = openSync(path, 'w');
  try {
    for (let offset = 0; offset < bytes.length; ) offset += writeSync(descriptor, bytes, offset);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
}
