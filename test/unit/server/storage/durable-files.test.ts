import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { writeDurableFile } from '../../../../server/storage/durable-files.ts';

const bytes = new TextEncoder().encode('a few bytes');
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gradswarm-files-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

it('replaces a file as a whole and leaves nothing else', () => {
  const path = join(folder, 'file');
  writeDurableFile(path, join(folder, 'temporary'), new Uint8Array(100));
  writeDurableFile(path, join(folder, 'temporary'), bytes);
  expect(readdirSync(folder)).toEqual(['file']);
  expect(readFileSync(path, 'utf8')).toBe('a few bytes');
});

it('says that the disk is full, and leaves nothing', () => {
  // Whatever is written to this device fails as on a full disk.
  symlinkSync('/dev/full', join(folder, 'temporary'));
  expect(() => writeDurableFile(join(folder, 'file'), join(folder, 'temporary'), bytes)).toThrow(
    expect.objectContaining({ name: 'GradswarmError', code: 'unavailable' }),
  );
  expect(readdirSync(folder)).toEqual([]);
});
