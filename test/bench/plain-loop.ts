import { createInterface } from 'node:readline';
import * as tf from '@tensorflow/tfjs-core';
import { createNodeEngineHome } from '../../client/node/engine-home.ts';
import { openEngine } from '../../client/worker/engine/open-engine.ts';
import { createNetwork } from '../../client/worker/model/create-network.ts';
import { losses } from '../../client/worker/model/losses.ts';
import { builtinJobs } from '../../shared/job/builtin-jobs.ts';
import { modelEnds } from '../../shared/job/model-ends.ts';
import { readData } from './local-batches.ts';

/**
 * `plain-loop.ts JOB`: training as a TensorFlow.js user writes it, in one process on the WASM back end with our
 * kernels: a batch cut from data in memory, gradients, Adam. Runs for as many milliseconds as each line of the input says,
 * and prints samples a second.
 */
const [jobName = ''] = process.argv.slice(2);
const document = builtinJobs[jobName];
if (document === undefined) throw new Error(`no built-in job is called ${jobName}`);
const data = await readData(document);
const engine = await openEngine('wasm', createNodeEngineHome());
engine.enter();
const network = await createNetwork(
  document.model,
  modelEnds(document.model, data.dataset, document.loss),
  document.loss,
);
const variables = network.tensors.map(({ variable }) => variable);
const optimizer = tf.train.adam(0.001);

function step(index: number): void {
  const batch = data.batch(index);
  optimizer.minimize(
    () => {
      const logits = network.forward(tf.tensor(batch.x, [...batch.xShape], network.inputType), {
        training: true,
        seed: index,
      });
      const outputs = logits.shape[logits.rank - 1] ?? 1;
      const rows = tf.reshape(logits, [logits.size / outputs, outputs]) as tf.Tensor2D;
      return losses.softmaxCrossEntropy.mean(rows, tf.tensor1d(batch.y, 'int32')) as tf.Scalar;
    },
    false,
    variables,
  );
}

let steps = 0;
const run = (milliseconds: number): number => {
  const started = performance.now();
  const first = steps;
  while (performance.now() - started < milliseconds) step(steps++);
  return ((steps - first) * document.batchSize) / ((performance.now() - started) / 1000);
};
run(4_000);
process.stdout.write('ready\n');
for await (const line of createInterface({ input: process.stdin }))
  process.stdout.write(`${run(Number(line))}\n`);
process.exit(0);
