import { GradswarmError } from '../../../shared/base/errors.ts';
import type { LossName, ModelEnds, ModelSpec } from '../../../shared/model/model-spec.ts';
import { createManifest, type TensorDeclaration } from '../../../shared/tensor/manifest.ts';
import type { Engine } from '../engine/engine.ts';
import { createNetwork } from '../model/create-network.ts';
import { createTrainableModel, type TrainableModel } from '../model/trainable-model.ts';
import { requireTensors } from './require-tensors.ts';

export interface HeldModelParts {
  readonly engine: Engine;
  readonly spec: ModelSpec;
  readonly ends: ModelEnds;
  readonly loss: LossName;
  readonly tensors: readonly TensorDeclaration[];
}

type Computation<Result> = (model: TrainableModel) => Promise<Result>;

/** A model that outlives its device: lost with it, and built again with the same parameters. */
export interface HeldModel {
  /** Copies `flat`; it is uploaded with the next computation. @throws GradswarmError `wrongLength`. */
  setParameters(flat: Float32Array): void;
  /**
   * A device that is lost meanwhile is opened again and the computation is done once more; a second loss is an error.
   * @throws GradswarmError `unavailable` with what the device reports.
   */
  compute<Result>(computation: Computation<Result>): Promise<Result>;
  dispose(): void;
}

/** The word of a device's loss may come a moment after its calls have failed. */
const lossWordMs = 100;

/** @throws GradswarmError `wrongManifest` when `tensors` are not those of the model. */
export async function holdModel(parts: HeldModelParts): Promise<HeldModel> {
  const { engine, tensors } = parts;
  const { length } = createManifest(tensors);
  let model: TrainableModel | undefined = await openModel(parts);
  let parameters: Float32Array | undefined;
  let isUploaded = false;

  const dispose = (): void => {
    model?.dispose();
    model = undefined;
    isUploaded = false;
  };

  const attempt = async <Result>(computation: Computation<Result>): Promise<Result> => {
    if (parameters === undefined) {
      throw new GradswarmError('wrongVersion', 'A unit came before the parameters that it is computed from.');
    }
    model ??= await openModel(parts);
    engine.takeError();
    if (!isUploaded) model.setParameters(parameters);
    isUploaded = true;
    const result = await computation(model);
    const deviceError = engine.takeError();
    if (deviceError === undefined) return result;
    throw new GradswarmError('unavailable', `The device reports an error inside the unit: ${deviceError}`);
  };

  return {
    setParameters(flat) {
      if (flat.length !== length) {
        throw new GradswarmError(
          'wrongLength',
          `The job has ${length} parameters, but ${flat.length} values came.`,
        );
      }
      parameters ??= new Float32Array(length);
      parameters.set(flat);
      isUploaded = false;
    },
    async compute(computation) {
      try {
        const result = await attempt(computation);
        if (!engine.isLost()) return result;
      } catch (error) {
        await new Promise((resolve) => setTimeout(resolve, lossWordMs));
        if (!engine.isLost()) throw error;
      }
      dispose();
      await engine.rebuild();
      return attempt(computation);
    },
    dispose,
  };
}

async function openModel({ engine, spec, ends, loss, tensors }: HeldModelParts): Promise<TrainableModel> {
  engine.enter();
  const model = createTrainableModel(await createNetwork(spec, ends, loss), loss, engine.enter);
  try {
    requireTensors(model.tensors, tensors);
    return model;
  } catch (error) {
    model.dispose();
    throw error;
  }
}
