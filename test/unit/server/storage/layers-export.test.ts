import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { nodeDisk } from '../../../../server/storage/disk/node-disk.ts';
import { PowerLoss, SimulatedDisk } from '../../../../server/storage/disk/simulated-disk.ts';
import { exportModel } from '../../../../server/storage/export-model.ts';
import { decodeSafetensors } from '../../../../server/storage/safetensors.ts';
import { createRandom } from '../../../../shared/base/random.ts';
import { bytesOf } from '../../../../shared/tensor/bytes.ts';
import { createManifest, type TensorDeclaration } from '../../../../shared/tensor/manifest.ts';

let directory: string;

beforeEach(async () => {
  await tf.setBackend('cpu');
  directory = join(mkdtempSync(join(tmpdir(), 'gradswarm-export-')), 'job');
});

afterEach(() => rmSync(join(directory, '..'), { recursive: true }));

const hex = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** A model with convolution, batch normalisation (statistics) and a dense output, all weights random. */
function buildModel() {
  const model = tfl.sequential({
    layers: [
      tfl.layers.conv2d({ inputShape: [8, 8, 1], filters: 3, kernelSize: 3, activation: 'relu' }),
      tfl.layers.batchNormalization(),
      tfl.layers.flatten(),
      tfl.layers.dense({ units: 4, activation: 'softmax' }),
    ],
  });
  const tensors = model.weights.map(({ originalName, shape }): TensorDeclaration => {
    return { name: originalName, shape: shape as number[] };
  });
  const manifest = createManifest(tensors);
  const random = createRandom(3);
  const parameters = Float32Array.from({ length: manifest.length }, () => random.unit());
  model.setWeights(
    manifest.tensors.map(({ shape, offset, length }) =>
      tf.tensor(parameters.slice(offset, offset + length), [...shape]),
    ),
  );
  const layersTopology = JSON.parse(model.toJSON(null) as string) as { readonly [key: string]: unknown };
  return { model, tensors, parameters, layersTopology };
}

/** Reads the folder as a browser would over HTTP. */
function loadExported(): Promise<tfl.LayersModel> {
  const document = JSON.parse(readFileSync(join(directory, 'model.json'), 'utf8'));
  const load = async (): Promise<tf.io.ModelArtifacts> =>
    tf.io.getModelArtifactsForJSON(document, async (manifest) => {
      const paths = manifest.flatMap((group) => group.paths);
      const data = Buffer.concat(paths.map((path) => readFileSync(join(directory, path))));
      const weightSpecs = manifest.flatMap((group) => group.weights);
      return [weightSpecs, data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength)];
    });
  return tfl.loadLayersModel({ load });
}

describe('exportModel', () => {
  test('writes a layers model that predicts the same', async () => {
    const { model, tensors, parameters, layersTopology } = buildModel();
    await exportModel(nodeDisk, {
      directory,
      tensors,
      parameters,
      layersTopology,
      metadata: { job: 'mnist' },
    });
    const loaded = await loadExported();
    const images = tf.randomUniform([5, 8, 8, 1], 0, 1, 'float32', 7);
    const [expected, actual] = [model, loaded].map((each) => (each.predict(images) as tf.Tensor).dataSync());
    expect(actual).toEqual(expected);
    expect(new Set(expected).size).toBeGreaterThan(4);
    const metadata = loaded.getUserDefinedMetadata();
    expect(metadata).toEqual({ job: 'mnist', sha256: hex(bytesOf(parameters)) });
  });

  test('writes a safetensors file with the same values and its origin', async () => {
    const { tensors, parameters, layersTopology } = buildModel();
    const metadata = { job: 'mnist', version: '12' };
    const model = { directory, tensors, parameters, layersTopology, metadata };
    const { files, parametersHash } = await exportModel(nodeDisk, model);
    expect(parametersHash).toBe(hex(bytesOf(parameters)));
    const decoded = decodeSafetensors(readFileSync(join(directory, 'model.safetensors')));
    expect(decoded).toEqual({ tensors, parameters, metadata: { ...metadata, sha256: parametersHash } });

    expect(readdirSync(directory).sort()).toEqual(['model.json', 'model.safetensors', 'weights.bin']);
    for (const { path, bytes, sha256 } of files) {
      const content = readFileSync(path);
      expect({ bytes: content.byteLength, sha256: hex(content) }).toEqual({ bytes, sha256 });
    }
  });

  test('writes safetensors alone for a model without a topology, over an older export', async () => {
    const tensors = [{ name: 'a', shape: [2] }];
    const first = { directory, tensors, parameters: Float32Array.of(1, 2), metadata: {} };
    await exportModel(nodeDisk, first);
    const { files } = await exportModel(nodeDisk, { ...first, parameters: Float32Array.of(3, 4) });
    expect(files.map(({ path }) => path)).toEqual([join(directory, 'model.safetensors')]);
    const { parameters } = decodeSafetensors(readFileSync(join(directory, 'model.safetensors')));
    expect(parameters).toEqual(Float32Array.of(3, 4));
  });

  test('leaves the old file or the new one when the power fails at any moment', async () => {
    const old = { directory: '/export', tensors: [{ name: 'a', shape: [2] }], metadata: {} };
    const path = '/export/model.safetensors';
    for (let operations = 0, isDone = false; !isDone; operations++) {
      const disk = new SimulatedDisk();
      await exportModel(disk, { ...old, parameters: Float32Array.of(1, 2) });
      disk.powerFailsAfter = operations;
      try {
        await exportModel(disk, { ...old, parameters: Float32Array.of(3, 4) });
        isDone = true;
      } catch (error) {
        expect(error).toBeInstanceOf(PowerLoss);
      }
      for (const mode of ['lose', 'keep', createRandom(operations)] as const) {
        const file = await disk.crash(mode).open(path);
        const { parameters } = decodeSafetensors(await file.read(0, await file.size()));
        expect(isDone ? [3] : [1, 3]).toContain(parameters[0]);
      }
    }
  });
});
