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
import { createModelExporter } from '../../../../server/storage/model-exporter.ts';
import { decodeSafetensors } from '../../../../server/storage/safetensors.ts';
import { createRandom } from '../../../../shared/base/random.ts';
import { bytesOf } from '../../../../shared/tensor/bytes.ts';
import { createManifest, type TensorDeclaration } from '../../../../shared/tensor/manifest.ts';

let folder: string;

beforeEach(async () => {
  await tf.setBackend('cpu');
  folder = mkdtempSync(join(tmpdir(), 'gradswarm-export-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

const hashOf = (values: Float32Array) => createHash('sha256').update(bytesOf(values)).digest('hex');

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
function loadExported(directory: string): Promise<tfl.LayersModel> {
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

describe('an export', () => {
  const exporter = () => createModelExporter(nodeDisk, folder);

  test('is a layers model that predicts the same', async () => {
    const { model, ...rest } = buildModel();
    const { directory } = await exporter().export({ ...rest, name: 'job', metadata: { job: 'mnist' } });
    const loaded = await loadExported(directory);
    const images = tf.randomUniform([5, 8, 8, 1], 0, 1, 'float32', 7);
    const [expected, actual] = [model, loaded].map((each) => (each.predict(images) as tf.Tensor).dataSync());
    expect(actual).toEqual(expected);
    expect(new Set(expected).size).toBeGreaterThan(4);
    expect(loaded.getUserDefinedMetadata()).toEqual({ job: 'mnist', sha256: hashOf(rest.parameters) });
  });

  test('is a safetensors file with the same values and its origin', async () => {
    const { model: _, ...rest } = buildModel();
    const metadata = { job: 'mnist', version: '12' };
    const { directory, files } = await exporter().export({ ...rest, name: 'job', metadata });
    expect(directory).toBe(join(folder, 'job'));
    const { tensors, parameters } = rest;
    expect(decodeSafetensors(readFileSync(join(directory, 'model.safetensors')))).toEqual({
      tensors,
      parameters,
      metadata: { ...metadata, sha256: hashOf(parameters) },
    });
    expect(readdirSync(directory).sort()).toEqual([...files].sort());
    expect(files).toEqual(['model.safetensors', 'weights.bin', 'model.json']);
  });

  test('is safetensors alone for a model without a topology, over an older export', async () => {
    const model = { name: 'job', tensors: [{ name: 'a', shape: [2] }], metadata: {} };
    await exporter().export({ ...model, parameters: Float32Array.of(1, 2) });
    const { directory, files } = await exporter().export({ ...model, parameters: Float32Array.of(3, 4) });
    expect(files).toEqual(['model.safetensors']);
    const { parameters } = decodeSafetensors(readFileSync(join(directory, 'model.safetensors')));
    expect(parameters).toEqual(Float32Array.of(3, 4));
  });

  test('leaves the old file or the new one when the power fails at any moment', async () => {
    const model = { name: 'job', tensors: [{ name: 'a', shape: [2] }], metadata: {} };
    for (let operations = 0, isDone = false; !isDone; operations++) {
      const disk = new SimulatedDisk();
      const simulated = createModelExporter(disk, '/exports');
      await simulated.export({ ...model, parameters: Float32Array.of(1, 2) });
      disk.powerFailsAfter = operations;
      try {
        await simulated.export({ ...model, parameters: Float32Array.of(3, 4) });
        isDone = true;
      } catch (error) {
        expect(error).toBeInstanceOf(PowerLoss);
      }
      for (const mode of ['lose', 'keep', createRandom(operations)] as const) {
        const file = await disk.crash(mode).open('/exports/job/model.safetensors');
        const { parameters } = decodeSafetensors(await file.read(0, await file.size()));
        expect(isDone ? [3] : [1, 3]).toContain(parameters[0]);
      }
    }
  });
});
