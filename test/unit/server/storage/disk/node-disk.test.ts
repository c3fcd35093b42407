import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nodeDisk } from '../../../../../server/storage/disk/node-disk.ts';

describe('the real disk', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'gradswarm-disk-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('reads what was written, durably or not, at any offset', async () => {
    const path = join(folder, 'file');
    const file = await nodeDisk.create(path);
    await file.write(0, new Uint8Array(1_000).fill(1));
    await file.writeDurably(500, new Uint8Array(2_000).fill(2));
    await file.write(2_400, new Uint8Array(200).fill(3));
    await file.datasync();
    expect(await file.size()).toBe(2_600);
    const expected = Buffer.concat([Buffer.alloc(500, 1), Buffer.alloc(1_900, 2), Buffer.alloc(200, 3)]);
    expect(Buffer.from(await file.read(0, 10_000))).toEqual(expected);
    expect(await file.read(2_390, 20)).toEqual(new Uint8Array([...Array(10).fill(2), ...Array(10).fill(3)]));
    await file.close();
    expect(readFileSync(path)).toEqual(expected);
    await nodeDisk.rename(path, join(folder, 'other'));
    await nodeDisk.syncFolder(folder);
    expect(await nodeDisk.list(folder)).toEqual(['other']);
    await nodeDisk.remove(join(folder, 'other'));
    expect(await nodeDisk.list(folder)).toEqual([]);
  });

  it('closes a file once, after what is under way, and lets nobody use it then', async () => {
    const file = await nodeDisk.create(join(folder, 'file'));
    const writing = file.writeDurably(0, new Uint8Array(4 * 1024 * 1024).fill(7));
    const closed = [file.close(), file.close()];
    // Its descriptors are free now, and the next file gets one of them.
    await Promise.all([writing, ...closed]);
    const next = await nodeDisk.create(join(folder, 'next'));
    await next.write(0, Uint8Array.of(5));
    await file.close();
    await expect(file.write(0, Uint8Array.of(6))).rejects.toThrow('closed');
    await expect(file.read(0, 1)).rejects.toThrow('closed');
    expect(await next.read(0, 9)).toEqual(Uint8Array.of(5));
    await next.close();
    expect(readFileSync(join(folder, 'file')).every((byte) => byte === 7)).toBe(true);
  });

  it('says what is wrong with a path', async () => {
    await expect(nodeDisk.open(join(folder, 'nothing'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
