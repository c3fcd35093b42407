import { GradswarmError } from '../../shared/base/errors.ts';
import type { BlobHash, JobId } from '../../shared/base/ids.ts';
import { createOptimizer } from '../../shared/optim/optimizers.ts';
import { createManifest } from '../../shared/tensor/manifest.ts';
import type { BlobStore, Checkpoint, CheckpointStore } from '../runtime/ports.ts';
import { createVectorBlob, readVectorBlob } from '../runtime/vector-blob.ts';
import {
  type CheckpointManifest,
  decodeCheckpointManifest,
  encodeCheckpointManifest,
} from './checkpoint-manifest.ts';

/** Checkpoints over a blob store. The manifest is stored last, so that one that can be read is complete. */
export function createCheckpointStore(blobs: BlobStore): CheckpointStore {
  return {
    save({ jobId, tensors, optimizer: kind, state }) {
      const { slotNames } = createOptimizer({ kind, learningRate: 0 });
      const { version, parameters, published, optimizer } = state;
      const owner = checkpointOwner(jobId, version);
      const put = (vector: Float32Array): BlobHash => {
        const { bytes, values } = createVectorBlob(vector.length, owner);
        values.set(vector);
        return blobs.put(bytes);
      };
      const manifest: CheckpointManifest = {
        jobId,
        version,
        optimizer: kind,
        tensors,
        parameters: put(parameters),
        published: put(published),
        slots: optimizer.slots.map((slot, index) => ({
          name: slotNames[index]!,
          hash: put(slot),
        })),
        scalars: [...optimizer.scalars],
      };
      return { manifestHash: blobs.put(encodeCheckpointManifest(manifest)), blobs: blobsNamed(manifest) };
    },
    load: (manifestHash) => loadCheckpoint(blobs, decodeCheckpointManifest(blobs.get(manifestHash))),
  };
}

/** Whose the vectors of a checkpoint are. */
function checkpointOwner(jobId: JobId, version: number): string {
  return `checkpoint of version ${version} of job ${jobId}`;
}

/** Without repetition: over a lossless codec the parameters and the published vector are one blob. */
function blobsNamed({ parameters, published, slots }: CheckpointManifest): BlobHash[] {
  return [...new Set([parameters, published, ...slots.map(({ hash }) => hash)])];
}

function loadCheckpoint(blobs: BlobStore, manifest: CheckpointManifest): Checkpoint {
  const { jobId, version, tensors, optimizer: kind } = manifest;
  const { length } = createManifest(tensors);
  const owner = checkpointOwner(jobId, version);
  const optimizer = createOptimizer({ kind, learningRate: 0 });
  const hasItsSlots =
    manifest.slots.length === optimizer.slotNames.length &&
    manifest.slots.every(({ name }, index) => name === optimizer.slotNames[index]);
  if (!hasItsSlots) throw mismatch('slots');
  if (manifest.scalars.length !== optimizer.createState(0).scalars.length) throw mismatch('scalars');

  const vector = (hash: BlobHash, field: string): Float32Array => {
    const values = readVectorBlob(blobs.get(hash), length, owner);
    if (values === undefined) throw mismatch(field);
    return values.slice();
  };
  const state = {
    version,
    parameters: vector(manifest.parameters, 'parameters'),
    published: vector(manifest.published, 'published'),
    optimizer: {
      slots: manifest.slots.map(({ name, hash }) => vector(hash, name)),
      scalars: Float64Array.from(manifest.scalars),
    },
  };
  return { jobId, tensors, optimizer: kind, state };
}

function mismatch(field: string): GradswarmError {
  return new GradswarmError(
    'corrupted',
    `The checkpoint's ${field} do not fit its tensors or optimizer.`,
    field,
  );
}
