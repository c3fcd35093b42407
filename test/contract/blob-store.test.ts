import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { openBlobStore } from '../../server/storage/blob-store.ts';
import { createMemoryBlobStore } from '../../server/storage/memory-blob-store.ts';
import { blobStoreContract } from './blob-store.contract.ts';

const folder = mkdtempSync(join(tmpdir(), 'gradswarm-blobs-'));
afterAll(() => rmSync(folder, { recursive: true }));

let opened = 0;
blobStoreContract('a folder', () => openBlobStore(join(folder, String(opened++))));
blobStoreContract('memory', createMemoryBlobStore);
