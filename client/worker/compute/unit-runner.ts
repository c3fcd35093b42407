import type { Batch } from '../../../shared/data/batch.ts';
import type { DatasetManifest } from '../../../shared/data/dataset-manifest.ts';
import type { JobDocument } from '../../../shared/job/job-document.ts';
import type { TensorDeclaration } from '../../../shared/tensor/manifest.ts';
import type { Engine } from '../engine/engine.ts';

export interface UnitRunnerSetup {
  readonly engine: Engine;
  readonly document: JobDocument;
  readonly dataset: DatasetManifest;
  /** The tensors of the job, in the order of the flat vector. */
  readonly tensors: readonly TensorDeclaration[];
}

export interface TrainedUnit {
  /** Gradient of the mean loss for trainable tensors, change for statistics; flat, in manifest order. */
  readonly update: Float32Array;
  /** Mean loss over the unit's samples. */
  readonly loss: number;
}

export interface EvaluatedUnit {
  /** Sum over the samples; a token sample counts the mean over its tokens. */
  readonly lossSum: number;
  /** Samples predicted right (fractions of a sample for tokens); 0 for regression. */
  readonly correct: number;
}

export interface TextSampling {
  readonly temperature: number;
  readonly seed: number;
}

/** Computes the units of one job on one engine. Calls must not overlap. */
export interface UnitRunner {
  /** Version of the parameters held; undefined before the first `setParameters`. */
  readonly version: number | undefined;
  /** Copies `flat`; the caller may change it afterwards. @throws GradswarmError `wrongLength`. */
  setParameters(version: number, flat: Float32Array): void;
  train(batch: Batch, seed: number): Promise<TrainedUnit>;
  evaluate(batch: Batch): Promise<EvaluatedUnit>;
  /** Continues `prompt` by `count` tokens. @throws GradswarmError `badRequest` when the model is no language model. */
  sampleTokens(prompt: readonly number[], count: number, sampling: TextSampling): Promise<number[]>;
  dispose(): void;
}

/** @throws GradswarmError `wrongManifest` when `tensors` are not those of the model. */
export async function createUnitRunner(setup: UnitRunnerSetup): Promise<UnitRunner> {
  throw new Error(`not built yet: ${setup.document.name}`);
}
