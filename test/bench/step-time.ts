import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { installWasmKernels } from '../../client/worker/engine/wasm/install-kernels.ts';
import { unsortedSegmentSum } from '../../client/worker/engine/wasm/unsorted-segment-sum.ts';
import { createNetwork } from '../../client/worker/model/create-network.ts';
import { createTrainableModel } from '../../client/worker/model/trainable-model.ts';
import { builtinJobs } from '../../shared/job/builtin-jobs.ts';
import { modelEnds } from '../../shared/job/model-ends.ts';
import { readData } from './local-batches.ts';

/**
 * `step-time.ts JOB BACKEND STEPS BATCH`, BACKEND `stock-wasm`, `wasm` or `cpu`: the median time of one gradient of the
 * job's model in milliseconds. Stock WASM gets our segment sum, without which it cannot train an embedding at all.
 */
const [jobName = '', backend = '', stepsText = '', batchText = ''] = process.argv.slice(2);
const builtin = builtinJobs[jobName];
if (builtin === undefined) throw new Error(`no built-in job is called ${jobName}`);
const document = { ...builtin, batchSize: Number(batchText) };
const { dataset, batch } = await readData(document);
const batches = [0, 1, 2, 3].map(batch);

const wasmFolder = dirname(
  createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm/package.json'),
);
setWasmPaths(`${join(wasmFolder, 'dist')}/`);
if (backend === 'wasm') installWasmKernels();
if (backend === 'stock-wasm') installWasmKernels([unsortedSegmentSum]);
await tf.setBackend(backend === 'cpu' ? 'cpu' : 'wasm');
await tf.ready();

const network = await createNetwork(
  document.model,
  modelEnds(document.model, dataset, document.loss),
  document.loss,
);
const model = createTrainableModel(network, document.loss, () => {});
const parameters = Float32Array.from({ length: model.manifest.length }, (_, index) => Math.sin(index) * 0.05);
model.setParameters(parameters);
const times: number[] = [];
for (let step = 0; step <= Number(stepsText); step++) {
  const next = batches[step % batches.length];
  if (next === undefined) throw new Error('there are batches');
  const started = performance.now();
  await model.gradient(next, step);
  if (step > 0) times.push(performance.now() - started);
}
times.sort((left, right) => left - right);
process.stdout.write(`${JSON.stringify({ stepMs: times[times.length >> 1] })}\n`);
process.exit(0);
