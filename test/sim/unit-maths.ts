import type { JobRecord } from '../../server/core/job-record.ts';
import { createRandom, mixSeed } from '../../shared/base/random.ts';
import { firstLocalStep, type UnitSpan } from '../../shared/job/unit-samples.ts';
import { createLocalTraining } from '../../shared/optim/local-training.ts';
import type { OptimizerSpec } from '../../shared/optim/optimizer-spec.ts';
import { createManifest, type ParameterManifest } from '../../shared/tensor/manifest.ts';

/** The local steps of one unit. */
export interface LocalPlan {
  readonly manifest: ParameterManifest;
  readonly optimizer: OptimizerSpec;
  readonly batchSize: number;
  readonly steps: number;
  readonly firstStep: number;
}

/** Undefined where units are gradients. */
export function localPlan(job: JobRecord | undefined, span: UnitSpan): LocalPlan | undefined {
  if (job?.document.localSteps === undefined) return undefined;
  const { localSteps, batchSize } = job.document;
  return {
    manifest: createManifest(job.tensors),
    optimizer: localSteps.optimizer,
    batchSize,
    steps: span.sampleCount / batchSize,
    firstStep: firstLocalStep(job.document, span),
  };
}

/** What a worker of the simulator computes for a unit. */
export function computeUpdate(
  parameters: Float32Array,
  seed: number,
  sampleStart: number,
  plan?: LocalPlan,
): { readonly update: Float32Array; readonly loss: number } {
  return plan === undefined
    ? computeGradient(parameters, seed, sampleStart)
    : computeSteps(parameters, seed, sampleStart, plan);
}

/** A made-up gradient: a fixed function of the parameters, the seed and the samples. */
function computeGradient(
  parameters: Float32Array,
  seed: number,
  sampleStart: number,
): { readonly update: Float32Array<ArrayBuffer>; readonly loss: number } {
  const random = createRandom(mixSeed(seed, sampleStart));
  const update = parameters.map((value) => value * 0.01 + (random.unit() - 0.5) * 0.1);
  return { update: new Float32Array(update), loss: random.unit() };
}

function computeSteps(
  parameters: Float32Array,
  seed: number,
  sampleStart: number,
  { manifest, optimizer, batchSize, steps, firstStep }: LocalPlan,
): { readonly update: Float32Array<ArrayBuffer>; readonly loss: number } {
  const training = createLocalTraining(manifest, { optimizer });
  training.begin(parameters);
  let lossSum = 0;
  for (let step = 0; step < steps; step++) {
    const first = sampleStart + step * batchSize;
    const { update, loss } = computeGradient(training.parameters, mixSeed(seed, step), first);
    training.step(update, firstStep + step);
    lossSum += loss;
  }
  return { update: new Float32Array(training.pseudoGradient()), loss: lossSum / steps };
}

export function computeEvaluation(
  parameters: Float32Array,
  sampleStart: number,
  samples: number,
): { readonly lossSum: number; readonly correct: number } {
  const sum = parameters.reduce((total, value) => total + Math.abs(value), 0);
  return { lossSum: sum * samples, correct: (sampleStart + samples) % (samples + 1) };
}
