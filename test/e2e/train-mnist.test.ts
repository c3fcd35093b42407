import '@tensorflow/tfjs-backend-cpu';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { argMax, io, setBackend, type Tensor, tensor4d } from '@tensorflow/tfjs-core';
import { loadLayersModel } from '@tensorflow/tfjs-layers';
import { expect, it } from 'vitest';
import { createPlainCnn, readMnistTestImages, readSafetensors } from './support/plain-cnn.ts';
import { projectFolder, startProject, temporaryFolder } from './support/processes.ts';

/** Classes of the exported layers model, by stock TensorFlow.js on its CPU back end. */
async function classifyWithLayers(folder: string, images: readonly Uint8Array[]): Promise<number[]> {
  await setBackend('cpu');
  const { modelTopology, weightsManifest } = JSON.parse(readFileSync(join(folder, 'model.json'), 'utf8'));
  const [{ paths, weights: weightSpecs }] = weightsManifest;
  expect(paths).toEqual(['weights.bin']);
  const weightData = Uint8Array.from(readFileSync(join(folder, 'weights.bin'))).buffer;
  const model = await loadLayersModel(io.fromMemory({ modelTopology, weightSpecs, weightData }));
  const pixels = images.flatMap((image) => Array.from(image, (pixel) => pixel / 255));
  const input = tensor4d(pixels, [images.length, 28, 28, 1]);
  return Array.from(argMax(model.predict(input) as Tensor, -1).dataSync());
}

it('trains the real MNIST with one command, and exports what it says', async () => {
  const dataFolder = temporaryFolder();
  const start = startProject(['--once', '--json', '--data', dataFolder, '--port', '0']);
  expect(await start.exited, start.stderr()).toBe(0);

  const finished = start.lines.find(({ event }) => event === 'finished') ?? {};
  expect(start.lines.find(({ event }) => event === 'started')?.['adminToken']).toMatch(/^gs_/);
  expect(finished['accuracy']).toBeGreaterThanOrEqual(0.97);
  expect(finished['files']).toEqual(
    expect.arrayContaining(['model.safetensors', 'model.json', 'weights.bin']),
  );
  const folder = resolve(projectFolder, String(finished['directory']));
  expect(folder).toBe(join(dataFolder, 'exports', 'mnist'));

  const safetensors = join(folder, 'model.safetensors');
  const hash = createHash('sha256');
  for (const { values } of readSafetensors(safetensors).values()) hash.update(values);
  expect(hash.digest('hex')).toBe(finished['parametersHash']);

  const { images, labels } = readMnistTestImages();
  const classify = createPlainCnn(safetensors);
  const right = images.filter((image, index) => classify(image) === labels[index]).length;
  // The workers sum logits in float32 and this reader in float64: an image whose two largest logits differ in their
  // last bits only may fall on either side.
  expect(Math.abs(right - Number(finished['accuracy']) * labels.length)).toBeLessThanOrEqual(2);

  const some = images.slice(0, 200);
  expect(await classifyWithLayers(folder, some)).toEqual(some.map(classify));
});
