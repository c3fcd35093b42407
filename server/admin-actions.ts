import { randomBytes } from 'node:crypto';
import { GradswarmError } from '../shared/base/errors.ts';
import { limits } from '../shared/base/limits.ts';
import type { AdminActions } from './net/admin-ports.ts';
import { createTokenText, hashToken } from './net/tokens.ts';
import type { CoordinatorRuntime } from './runtime/coordinator-runtime.ts';
import type { JobActions } from './runtime/job-actions.ts';
import type { BlobStore } from './runtime/ports.ts';
import { readDatasetManifest } from './runtime/read-dataset-manifest.ts';

/** Everything that an admin may do, over log and blob store. */
export function createAdminActions(
  jobs: JobActions,
  { request, blobs: shared }: Pick<CoordinatorRuntime, 'request' | 'blobs'>,
  blobs: BlobStore,
  now: () => number,
): AdminActions {
  return {
    ...jobs,
    putBlob(hash, bytes) {
      if (bytes.length > limits.shardBytesMax) {
        throw new GradswarmError('tooLarge', `a shard has at most ${limits.shardBytesMax} bytes`, 'payload');
      }
      if (blobs.size(hash) === bytes.length) return false;
      blobs.put(bytes);
      shared.keep(hash);
      return true;
    },
    async registerDataset(manifestText) {
      const dataset = readDatasetManifest(manifestText, blobs);
      await request({ kind: 'datasetRegistered', dataset, atMs: now() });
      return dataset.name;
    },
    async createToken(name, role) {
      const token = createTokenText();
      const tokenId = `t-${randomBytes(6).toString('hex')}`;
      await request({ kind: 'tokenCreated', tokenId, name, role, tokenHash: hashToken(token), atMs: now() });
      return { token, tokenId };
    },
    revokeToken: (tokenId) => request({ kind: 'tokenRevoked', tokenId, atMs: now() }),
  };
}
