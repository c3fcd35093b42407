import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { assert } from '../../shared/base/assert.ts';
import { bytesOf } from '../../shared/tensor/bytes.ts';
import { createManifest } from '../../shared/tensor/manifest.ts';
import type { ModelExport, ModelExporter } from '../runtime/ports.ts';
import type { Disk } from './disk/disk.ts';
import { layersModelFile, layersModelJson, layersWeightsFile } from './layers-export.ts';
import { safetensorsHeader } from './safetensors.ts';

export const safetensorsFile = 'model.safetensors';

/**
 * Exports into a folder per job below `exportFolder`. Each file appears whole or not at all, and is durable when the
 * promise resolves; files of an earlier export are replaced. `sha256` in the metadata of both formats is the hash of
 * the little-endian float32 values in the order of the tensors.
 */
export function createModelExporter(disk: Disk, exportFolder: string): ModelExporter {
  return {
    async export(model) {
      const directory = join(exportFolder, model.name);
      await disk.makeFolder(directory);
      const files = filesOf(model);
      for (const { name, parts } of files) await writeWhole(disk, join(directory, name), parts);
      await disk.syncFolder(directory);
      return { directory, files: files.map(({ name }) => name) };
    },
  };
}

interface ExportFile {
  readonly name: string;
  readonly parts: readonly Uint8Array[];
}

function filesOf({ tensors, parameters, layersTopology, metadata: given }: ModelExport): ExportFile[] {
  const manifest = createManifest(tensors);
  assert(manifest.length === parameters.length, 'the tensors and the vector have one length');
  const values = bytesOf(parameters);
  const metadata = { ...given, sha256: createHash('sha256').update(values).digest('hex') };
  const safetensors = { name: safetensorsFile, parts: [safetensorsHeader(manifest, metadata), values] };
  if (layersTopology === undefined) return [safetensors];
  return [
    safetensors,
    { name: layersWeightsFile, parts: [values] },
    { name: layersModelFile, parts: [layersModelJson(manifest, layersTopology, metadata)] },
  ];
}

async function writeWhole(disk: Disk, path: string, parts: readonly Uint8Array[]): Promise<void> {
  const temporaryPath = `${path}.partial`;
  const file = await disk.create(temporaryPath);
  try {
    let offset = 0;
    for (const part of parts) {
      await file.write(offset, part);
      offset += part.byteLength;
    }
    await file.datasync();
  } finally {
    await file.close();
  }
  await disk.rename(temporaryPath, path);
}
