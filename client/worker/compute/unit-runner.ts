import { GradswarmError } from '../../../shared/base/errors.ts';
import type { Batch } from '../../../shared/data/batch.ts';
import type { DatasetManifest } from '../../../shared/data/dataset-manifest.ts';
import type { JobDocument } from '../../../shared/job/job-document.ts';
import { modelEnds } from '../../../shared/job/model-ends.ts';
import type { TensorDeclaration } from '../../../shared/tensor/manifest.ts';
import type { Engine } from '../engine/engine.ts';
import { encodeInt8OnDevice } from '../engine/webgpu/int8-program.ts';
import { holdModel } from './held-model.ts';
import { sampleTokens, type TextSampling } from './sample-tokens.ts';

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

/** As `TrainedUnit`, with the update encoded where it was computed. */
export interface QuantisedUnit {
  readonly payload: Uint8Array;
  readonly loss: number;
}

export interface EvaluatedUnit {
  /** Sum over the samples; a token sample counts the mean over its tokens. */
  readonly lossSum: number;
  /** Samples predicted right (fractions of a sample for tokens); 0 for regression. */
  readonly correct: number;
}

/** Computes the units of one job on one engine. Calls must not overlap. */
export interface UnitRunner {
  /** Version of the parameters held; undefined before the first `setParameters`. */
  readonly version: number | undefined;
  /** Copies `flat`; the caller may change it afterwards. @throws GradswarmError `wrongLength`. */
  setParameters(version: number, flat: Float32Array): void;
  train(batch: Batch, seed: number): Promise<TrainedUnit>;
  /**
   * The update as the codec `int8` encodes it with the same seed, bit for bit; only where the device does so itself, and
   * a quarter of the bytes is read back. @throws GradswarmError `notFinite`.
   */
  readonly trainToInt8?: (batch: Batch, seed: number) => Promise<QuantisedUnit>;
  evaluate(batch: Batch): Promise<EvaluatedUnit>;
  /** Continues `prompt` by `count` tokens. @throws GradswarmError `badRequest` when the model is no language model. */
  sampleTokens(prompt: readonly number[], count: number, sampling: TextSampling): Promise<number[]>;
  dispose(): void;
}

/** @throws GradswarmError `wrongManifest` when `tensors` are not those of the model. */
export async function createUnitRunner(setup: UnitRunnerSetup): Promise<UnitRunner> {
  const { engine, document, dataset, tensors } = setup;
  const ends = modelEnds(document.model, dataset, document.loss);
  const held = await holdModel({ engine, spec: document.model, ends, loss: document.loss, tensors });
  let version: number | undefined;
  return {
    get version() {
      return version;
    },
    setParameters(newVersion, flat) {
      held.setParameters(flat);
      version = newVersion;
    },
    train: (batch, seed) => held.compute((model) => model.gradient(batch, seed)),
    ...(engine.name === 'webgpu' && {
      trainToInt8: (batch: Batch, seed: number) =>
        held.compute((model) => model.gradientThrough(encodeInt8OnDevice, batch, seed)),
    }),
    evaluate: (batch) =>
      held.compute(async (model) => {
        const { loss, accuracy } = await model.evaluate(batch);
        // The device's mean is float32; what is counted are whole predictions.
        const predictions = document.loss === 'meanSquaredError' ? 1 : batch.y.length;
        const right = Math.round(accuracy * predictions);
        return { lossSum: loss * batch.count, correct: (right * batch.count) / predictions };
      }),
    async sampleTokens(prompt, count, sampling) {
      if (dataset.kind !== 'tokens') {
        throw new GradswarmError(
          'badRequest',
          `Job "${document.name}" trains no language model.`,
          'model.kind',
        );
      }
      return held.compute((model) => sampleTokens(model, ends, prompt, count, sampling));
    },
    dispose: held.dispose,
  };
}
