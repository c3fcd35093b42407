import { dirname } from 'node:path';
import type { Disk } from './disk.ts';

/** All of the parts, one after the other, are under `path`, durably, or none. */
export async function replaceFile(disk: Disk, path: string, parts: readonly Uint8Array[]): Promise<void> {
  const file = await disk.create(`${path}.new`);
  try {
    let offset = 0;
    for (const part of parts) {
      await file.write(offset, part);
      offset += part.length;
    }
    await file.datasync();
  } finally {
    await file.close();
  }
  await disk.rename(`${path}.new`, path);
  await disk.syncFolder(dirname(path));
}
