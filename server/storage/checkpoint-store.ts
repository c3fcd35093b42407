import { GradswarmError } from '../../shared/base/errors.ts';
import type { BlobHash } from '../../shared/base/ids.ts';
import { createOptimizer } from '../../shared/optim/optimizers.ts';
import { bytesOf, floatsOf } from '../../shared/tensor/bytes.ts';
import { createManifest } from '../../shared/tensor/manifest.ts';
import type { BlobStore, Checkpoint, CheckpointStore } from '../runtime/ports.ts';
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
      const manifest: CheckpointManifest = {
        jobId,
        version,
        optimizer: kind,
        tensors,
        parameters: blobs.put(bytesOf(parameters)),
        published: blobs.put(bytesOf(published)),
        slots: optimizer.slots.map((slot, index) => ({
          name: slotNames[index]!,
          hash: blobs.put(bytesOf(slot)),
        })),
        scalars: [...optimizer.scalars],
      };
      return { manifestHash: blobs.put(encodeCheckpointManifest(manifest)), blobs: blobsNamed(manifest) };
    },
    load: (manifestHash) => loadCheckpoint(blobs, decodeCheckpointManifest(blobs.get(manifestHash))),
  };
}

/** Without repetition: over a lossless codec the parameters and the published vector are one blob. */
function blobsNamed({ parameters, published, slots }: CheckpointManifest): BlobHash[] {
  return [...new Set([parameters, published, ...slots.map(({ hash }) => hash)])];
}

function loadCheckpoint(blobs: BlobStore, manifest: CheckpointManifest): Checkpoint {
  const { jobId, version, tensors, optimizer: kind } = manifest;
  const { length } = createManifest(tensors);
  const optimizer = createOptimizer({ kind, learningRate: 0 });
  const hasItsSlots =
    manifest.slots.length === optimizer.slotNames.length &&
    manifest.slots.every(({ name }, index) => name === optimizer.slotNames[index]);
  if (!hasItsSlots) throw mismatch('slots');
  if (manifest.scalars.length !== optimizer.createState(0).scalars.length) throw mismatch('scalars');

  const vector = (hash: BlobHash, field: string): Float32Array => {
    const bytes = blobs.get(hash);
    if (bytes.byteLength !== 4 * length) throw mismatch(field);
    return floatsOf(bytes).slice();
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
