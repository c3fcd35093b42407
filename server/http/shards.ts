import type { FastifyInstance } from 'fastify';
import { GradswarmError } from '../../shared/base/errors.ts';
import { type BlobHash, isBlobHash } from '../../shared/base/ids.ts';
import type { DatasetManifest } from '../../shared/data/dataset-manifest.ts';
import type { BlobStore } from '../runtime/ports.ts';
import { openToAllPages } from './cross-origin.ts';

export interface ShardDeps {
  /** Every data set that is registered or that a job uses. */
  datasets(): Iterable<DatasetManifest>;
  readonly blobs: Pick<BlobStore, 'get'>;
  /** Brings a shard here that this coordinator's store does not hold yet. @throws GradswarmError `notFound`, `unavailable`. */
  fetchIfMissing(hash: BlobHash): Promise<void>;
}

/** Data set shards by hash: they never change, so they may be kept for ever. Other blobs are not served. */
export function addShards(app: FastifyInstance, { datasets, blobs, fetchIfMissing }: ShardDeps): void {
  const hashes = new WeakMap<DatasetManifest, ReadonlySet<string>>();

  const hashesOf = (dataset: DatasetManifest): ReadonlySet<string> => {
    const known = hashes.get(dataset);
    if (known) return known;
    const named = new Set([...dataset.train.shards, ...dataset.test.shards].map(({ hash }) => hash));
    hashes.set(dataset, named);
    return named;
  };

  const isNamed = (hash: string): boolean => {
    for (const dataset of datasets()) if (hashesOf(dataset).has(hash)) return true;
    return false;
  };

  /** Readers of one shard share its bytes, however slowly they take them; so no crowd needs more than the data. */
  const shared = new Map<string, WeakRef<Buffer>>();
  const bytesOf = (hash: BlobHash): Buffer => {
    const known = shared.get(hash)?.deref();
    if (known) return known;
    const { buffer, byteOffset, length } = blobs.get(hash);
    const bytes = Buffer.from(buffer, byteOffset, length);
    shared.set(hash, new WeakRef(bytes));
    return bytes;
  };

  app.get<{ Params: { hash: string } }>('/shards/:hash', async (request, reply) => {
    const { hash } = request.params;
    openToAllPages(reply);
    if (!isBlobHash(hash) || !isNamed(hash)) {
      throw new GradswarmError('notFound', 'no data set has a shard of this hash');
    }
    const tag = `"${hash}"`;
    void reply.header('etag', tag).header('cache-control', 'public, max-age=31536000, immutable');
    if (request.headers['if-none-match'] === tag) return reply.code(304).send();
    await fetchIfMissing(hash);
    return reply.type('application/octet-stream').send(bytesOf(hash));
  });
}
