import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { assert } from '../../shared/base/assert.ts';
import { asBlobHash, type BlobHash } from '../../shared/base/ids.ts';
import { bytesOf } from '../../shared/tensor/bytes.ts';
import { createManifest, type TensorDeclaration } from '../../shared/tensor/manifest.ts';
import type { Disk } from './disk/disk.ts';
import { layersModelJson, layersWeightsFile } from './layers-export.ts';
import { safetensorsHeader } from './safetensors.ts';

export interface ModelExport {
  readonly directory: string;
  readonly tensors: readonly TensorDeclaration[];
  readonly parameters: Float32Array;
  /** For models that TensorFlow.js layers can load; others are exported as safetensors alone. */
  readonly layersTopology?: { readonly [key: string]: unknown };
  /** Kept in both formats, together with `sha256`, the hash of the parameters. */
  readonly metadata: Readonly<Record<string, string>>;
}

export interface ExportedFile {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: BlobHash;
}

export interface ExportedModel {
  readonly files: readonly ExportedFile[];
  /** SHA-256 of the little-endian float32 values in the order of the tensors. */
  readonly parametersHash: BlobHash;
}

/**
 * Writes `model.safetensors` and, with a topology, `model.json` and `weights.bin`. Each file appears whole or not at
 * all, and is durable when the promise resolves; files of an earlier export are replaced.
 */
export async function exportModel(disk: Disk, model: ModelExport): Promise<ExportedModel> {
  const { directory, tensors, parameters, layersTopology } = model;
  const manifest = createManifest(tensors);
  assert(manifest.length === parameters.length, 'the tensors and the vector have one length');
  const values = bytesOf(parameters);
  const parametersHash = sha256Of([values]);
  const metadata = { ...model.metadata, sha256: parametersHash };

  await disk.makeFolder(directory);
  const files = [
    await writeWhole(disk, join(directory, 'model.safetensors'), [
      safetensorsHeader(manifest, metadata),
      values,
    ]),
  ];
  if (layersTopology !== undefined) {
    const modelJson = layersModelJson(manifest, layersTopology, metadata);
    files.push(await writeWhole(disk, join(directory, layersWeightsFile), [values]));
    files.push(await writeWhole(disk, join(directory, 'model.json'), [modelJson]));
  }
  await disk.syncFolder(directory);
  return { files, parametersHash };
}

async function writeWhole(disk: Disk, path: string, parts: readonly Uint8Array[]): Promise<ExportedFile> {
  const temporaryPath = `${path}.partial`;
  const file = await disk.create(temporaryPath);
  let bytes = 0;
  try {
    for (const part of parts) {
      await file.write(bytes, part);
      bytes += part.byteLength;
    }
    await file.datasync();
  } finally {
    await file.close();
  }
  await disk.rename(temporaryPath, path);
  return { path, bytes, sha256: sha256Of(parts) };
}

function sha256Of(parts: readonly Uint8Array[]): BlobHash {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return asBlobHash(hash.digest('hex'));
}
