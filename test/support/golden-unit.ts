import { createUnitRunner } from '../../client/worker/compute/unit-runner.ts';
import type { EngineHome } from '../../client/worker/engine/engine-home.ts';
import { openEngine } from '../../client/worker/engine/open-engine.ts';
import { createNetwork } from '../../client/worker/model/create-network.ts';
import { hashText } from '../../shared/base/random.ts';
import { modelEnds } from '../../shared/job/model-ends.ts';
import { drawBatch, type TinyJob, tinyCnn, tinyGpt } from './tiny-jobs.ts';

/**
 * Bits of one unit on the wasm engine, which are those of Node and of every browser. A change of the kernels or of the
 * models changes them on purpose: raise `coreVersion` in `client/worker/engine/core-version.ts` with them, unless the
 * hash of the kernels already tells the two apart.
 */
export const goldenUnits: readonly (readonly [string, TinyJob, string])[] = [
  ['cnn', tinyCnn, 'e05b160c'],
  ['gpt', tinyGpt, 'e58c88f7'],
];

/** Hash of the update that the wasm engine of this home computes. */
export async function unitHash(home: EngineHome, job: TinyJob): Promise<string> {
  const { model, loss } = job.document;
  const engine = await openEngine('wasm', home);
  const network = await createNetwork(model, modelEnds(model, job.dataset, loss), loss);
  const tensors = network.tensors.map(({ name, role, variable }) => ({ name, role, shape: variable.shape }));
  const length = network.tensors.reduce((sum, { variable }) => sum + variable.size, 0);
  network.dispose();
  const runner = await createUnitRunner({ engine, ...job, tensors });
  // Whole numbers over a power of two: the same on every machine.
  runner.setParameters(
    0,
    Float32Array.from({ length }, (_, index) => (((index * 7919) % 1021) - 510) / 2048),
  );
  const { update } = await runner.train(drawBatch(job, 8), 1);
  runner.dispose();
  await engine.close();
  return hashText(new Uint32Array(update.buffer, update.byteOffset, update.length).join(' ')).toString(16);
}
