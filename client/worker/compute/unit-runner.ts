import { GradswarmError } from '../../../shared/base/errors.ts';
import type { Batch } from '../../../shared/data/batch.ts';
import type { DatasetManifest } from '../../../shared/data/dataset-manifest.ts';
import type { JobDocument } from '../../../shared/job/job-document.ts';
import { modelEnds } from '../../../shared/job/model-ends.ts';
import type { TensorDeclaration } from '../../../shared/tensor/manifest.ts';
import type { Engine } from '../engine/engine.ts';
import { createNetwork } from '../model/create-network.ts';
import { createTrainableModel, type TrainableModel } from '../model/trainable-model.ts';
import { requireTensors } from './require-tensors.ts';
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
  evaluate(batch: Batch): Promise<EvaluatedUnit>;
  /** Continues `prompt` by `count` tokens. @throws GradswarmError `badRequest` when the model is no language model. */
  sampleTokens(prompt: readonly number[], count: number, sampling: TextSampling): Promise<number[]>;
  dispose(): void;
}

/**
 * A device that is lost inside a unit is opened again and the unit is computed once more; a second loss is an error.
 * @throws GradswarmError `wrongManifest` when `tensors` are not those of the model.
 */
export async function createUnitRunner(setup: UnitRunnerSetup): Promise<UnitRunner> {
  const { engine, document, dataset, tensors } = setup;
  const ends = modelEnds(document.model, dataset, document.loss);
  let model: TrainableModel | undefined = await openModel();
  let version: number | undefined;
  let parameters: Float32Array | undefined;
  let isUploaded = false;

  async function openModel(): Promise<TrainableModel> {
    engine.enter();
    const network = await createNetwork(document.model, ends, document.loss);
    const opened = createTrainableModel(network, document.loss, engine.enter);
    try {
      requireTensors(opened.tensors, tensors);
    } catch (error) {
      opened.dispose();
      throw error;
    }
    return opened;
  }

  /** The model with the newest parameters on the device. */
  async function ready(): Promise<TrainableModel> {
    if (parameters === undefined) {
      throw new GradswarmError('wrongVersion', 'A unit came before the parameters that it is computed from.');
    }
    model ??= await openModel();
    if (!isUploaded) model.setParameters(parameters);
    isUploaded = true;
    return model;
  }

  function forgetModel(): void {
    model?.dispose();
    model = undefined;
    isUploaded = false;
  }

  async function compute<Result>(unit: (model: TrainableModel) => Promise<Result>): Promise<Result> {
    engine.takeError();
    const result = await unit(await ready());
    const deviceError = engine.takeError();
    if (deviceError !== undefined) {
      throw new GradswarmError('unavailable', `The device reports an error inside the unit: ${deviceError}`);
    }
    return result;
  }

  async function withRetry<Result>(unit: (model: TrainableModel) => Promise<Result>): Promise<Result> {
    try {
      const result = await compute(unit);
      if (!engine.isLost()) return result;
    } catch (error) {
      // What a lost device throws says nothing; the word of its loss may come a moment later.
      await pause();
      if (!engine.isLost()) throw error;
    }
    forgetModel();
    await engine.rebuild();
    return compute(unit);
  }

  return {
    get version() {
      return version;
    },
    setParameters(newVersion, flat) {
      const length = tensors.reduce(
        (sum, { shape }) => sum + shape.reduce((size, side) => size * side, 1),
        0,
      );
      if (flat.length !== length) {
        throw new GradswarmError(
          'wrongLength',
          `The job has ${length} parameters, but ${flat.length} values came.`,
        );
      }
      parameters ??= new Float32Array(length);
      parameters.set(flat);
      version = newVersion;
      isUploaded = false;
    },
    train: (batch, seed) => withRetry((current) => current.gradient(batch, seed)),
    evaluate: (batch) =>
      withRetry(async (current) => {
        const { loss, accuracy } = await current.evaluate(batch);
        // The device's mean is float32; what is counted are whole predictions.
        const predictions = document.loss === 'meanSquaredError' ? 1 : batch.y.length;
        const right = Math.round(accuracy * predictions);
        return { lossSum: loss * batch.count, correct: (right * batch.count) / predictions };
      }),
    sampleTokens: (prompt, count, sampling) => {
      if (dataset.kind !== 'tokens') {
        throw new GradswarmError(
          'badRequest',
          `Job "${document.name}" trains no language model.`,
          'model.kind',
        );
      }
      return withRetry((current) => sampleTokens(current, ends, prompt, count, sampling));
    },
    dispose: forgetModel,
  };
}

const lossWordMs = 100;

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, lossWordMs));
}
