import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openBlobStore } from '../../../../server/storage/blob-store.ts';

const bytes = new TextEncoder().encode('a blob of a few bytes');
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gradswarm-blobs-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function pathOf(hash: string): string {
  return join(folder, hash.slice(0, 2), hash.slice(2));
}

describe('the blob folder', () => {
  it('keeps blobs for the next opening', () => {
    const hash = openBlobStore(folder).put(bytes);
    const again = openBlobStore(folder);
    expect(again.list()).toEqual([hash]);
    expect(Buffer.from(again.get(hash))).toEqual(Buffer.from(bytes));
  });

  it('reports a changed file with its path', () => {
    const store = openBlobStore(folder);
    const hash = store.put(bytes);
    writeFileSync(pathOf(hash), 'b blob of a few bytes');
    expect(() => store.get(hash)).toThrow(expect.objectContaining({ code: 'corrupted' }));
    expect(() => store.get(hash)).toThrow(pathOf(hash));
  });

  it('replaces a shortened file when the blob is put again', () => {
    const store = openBlobStore(folder);
    const hash = store.put(bytes);
    truncateSync(pathOf(hash), 4);
    store.put(bytes);
    expect(Buffer.from(store.get(hash))).toEqual(Buffer.from(bytes));
  });

  it('leaves a blob that is there alone', () => {
    const store = openBlobStore(folder);
    const path = pathOf(store.put(bytes));
    const { ino } = statSync(path);
    store.put(bytes);
    expect(statSync(path).ino).toBe(ino);
  });

  it("removes temporary files of processes that are gone, and keeps this one's", () => {
    const first = openBlobStore(folder);
    first.put(bytes);
    writeFileSync(join(folder, 'tmp', '1-0-0-0'), 'half a blob');
    openBlobStore(folder);
    expect(existsSync(join(folder, 'tmp', '1-0-0-0'))).toBe(false);
    expect(readdirSync(join(folder, 'tmp'))).toEqual([]);
    expect(first.list()).toHaveLength(1);
  });

  it('is shared by threads that put at once', async () => {
    const moduleUrl = new URL('../../../../server/storage/blob-store.ts', import.meta.url).href;
    const program = `
      import('tsx/esm/api').then(async ({ register }) => {
        register();
        const { openBlobStore } = await import(${JSON.stringify(moduleUrl)});
        const store = openBlobStore(${JSON.stringify(folder)});
        for (let value = 0; value < 40; value++) store.put(new Uint8Array(1000).fill(value));
      });`;
    const threads = Array.from({ length: 3 }, () => new Worker(program, { eval: true }));
    const codes = await Promise.all(
      threads.map(
        (thread) => new Promise((resolve, reject) => thread.once('exit', resolve).once('error', reject)),
      ),
    );
    expect(codes).toEqual([0, 0, 0]);
    const store = openBlobStore(folder);
    expect(store.list()).toHaveLength(40);
    for (const hash of store.list()) expect(store.get(hash)).toHaveLength(1000);
    expect(readdirSync(join(folder, 'tmp'))).toEqual([]);
  });
});
